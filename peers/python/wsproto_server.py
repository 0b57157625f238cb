"""Echo server on wsproto, which leaves the sockets to us. Usage: wsproto_server.py PORT"""

import asyncio
import sys

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


def answers(connection, event, whole):
    """What is sent for an event; messages come in parts, and go back in those parts."""
    if isinstance(event, Request):
        yield connection.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    elif isinstance(event, (TextMessage, BytesMessage)):
        whole.append(event.data)
        if event.message_finished:
            data = type(event.data)().join(whole)
            whole.clear()
            yield connection.send(type(event)(data=data))
    elif isinstance(event, (Ping, CloseConnection)):
        yield connection.send(event.response())
        if isinstance(event, CloseConnection):
            yield None


async def serve(reader, writer):
    connection, whole = WSConnection(ConnectionType.SERVER), []
    try:
        while data := await reader.read(65536):
            try:
                connection.receive_data(data)
                for event in connection.events():
                    for octets in answers(connection, event, whole):
                        if octets is None:
                            return
                        writer.write(octets)
                        await writer.drain()
            except RemoteProtocolError as error:
                if error.event_hint is not None:
                    writer.write(connection.send(error.event_hint))
                return
    except (LocalProtocolError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
