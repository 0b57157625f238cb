// Echo server on Node websocket. Usage: node websocket-server.js PORT
const http = require('http');
const { server: WebSocketServer } = require('websocket');

const server = http.createServer((request, response) => response.writeHead(404).end());
server.listen(Number(process.argv[2]), '127.0.0.1');
const sockets = new WebSocketServer({
  httpServer: server,
  autoAcceptConnections: true,
  maxReceivedFrameSize: 64 << 20,
  maxReceivedMessageSize: 64 << 20,
  keepalive: false,
});
sockets.on('connect', (socket) => {
  socket.on('message', (message) =>
    message.type === 'utf8' ? socket.sendUTF(message.utf8Data) : socket.sendBytes(message.binaryData),
  );
  socket.on('error', () => {}); // the tester judges what went wrong
});
