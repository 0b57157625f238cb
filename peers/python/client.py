"""Echo client on Python websockets. Usage: client.py URL AGENT

Asks the fuzzing server at URL for its cases, echoes through each, then asks it to write its report.
"""

import asyncio
import sys
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

URL, AGENT = sys.argv[1], quote(sys.argv[2])


def open_socket(path):
    return connect(URL + path, max_size=None, ping_interval=None, proxy=None)


async def case_count():
    async with open_socket("/getCaseCount") as socket:
        return int(await socket.recv())


async def run_case(number):
    try:
        async with open_socket(f"/runCase?case={number}&agent={AGENT}") as socket:
            async for message in socket:
                await socket.send(message)
    except (WebSocketException, OSError, EOFError):
        pass  # the fuzzing server judges; here a failed case only ends its own connection


async def main():
    for number in range(1, await case_count() + 1):
        await run_case(number)
    async with open_socket(f"/updateReports?agent={AGENT}") as socket:
        await socket.wait_closed()


asyncio.run(main())
