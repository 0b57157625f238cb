"""Echo server on Python websockets, which obeys the commands of wst.cmd. Usage: server.py PORT"""

import asyncio
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

COMMANDS = "wst.cmd"


def payload(kind, length, seed=0):
    unit = bytes(range(ord("a"), ord("z") + 1)) if kind == "text" else bytes(range(256))
    start = seed % len(unit)
    octets = (unit[start:] + unit * (length // len(unit) + 1))[:length]
    return octets.decode() if kind == "text" else octets


async def obey(socket, text):
    name, _, rest = text[1:].partition(" ")
    words = rest.split(" ")
    if name in ("close", "close-api"):
        code, _, reason = rest.partition(" ")
        await socket.close(int(code) if code else 1000, reason)
    elif name == "send":
        await socket.send(payload(words[0], *map(int, words[1:])))
    elif name == "sendfrag":
        whole, size = payload("bin", int(words[0])), int(words[1])
        await socket.send([whole[at : at + size] for at in range(0, len(whole), size)])
    elif name == "ping":
        for number in range(int(words[0])):
            await socket.ping(str(number))
    elif name == "burst":
        for number in range(int(words[0])):
            await socket.send(payload("bin", int(words[1]), number))
    elif name == "reset":
        socket.transport.abort()
    else:
        await socket.send("!refused no such command")


async def echo(socket):
    try:
        async for message in socket:
            if socket.subprotocol == COMMANDS and isinstance(message, str) and message.startswith("!"):
                try:
                    await obey(socket, message)
                except ConnectionClosed:
                    raise
                except Exception as error:  # what the API does not take
                    await socket.send(f"!refused {error}")
            else:
                await socket.send(message)
    except ConnectionClosed:
        pass


def choose(socket, offered):
    return COMMANDS if COMMANDS in offered else None


async def main():
    port = int(sys.argv[1])
    options = dict(max_size=None, ping_interval=None, subprotocols=[COMMANDS], select_subprotocol=choose)
    async with serve(echo, "127.0.0.1", port, **options) as server:
        await server.serve_forever()


asyncio.run(main())
