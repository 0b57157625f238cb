// Echo server on faye-websocket. Usage: node faye-server.js PORT
const http = require('http');
const FayeWebSocket = require('faye-websocket');

const server = http.createServer((request, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, body) => {
  const connection = new FayeWebSocket(request, socket, body);
  connection.on('message', (event) => connection.send(event.data));
});
server.listen(Number(process.argv[2]), '127.0.0.1');
