"""Echo server on Tornado. Usage: tornado_server.py PORT"""

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    def check_origin(self, origin):
        return True

    def get_compression_options(self):
        return {}

    async def on_message(self, message):
        await self.write_message(message, binary=isinstance(message, bytes))


async def main():
    app = Application([(r"/.*", Echo)], websocket_max_message_size=64 << 20)
    app.listen(int(sys.argv[1]), "127.0.0.1", max_buffer_size=128 << 20)
    await asyncio.Event().wait()


asyncio.run(main())
