// The echo server of docs/walkthrough.md. Usage: node server.js PORT
const WebSocket = require('ws');

const server = new WebSocket.Server({ host: '127.0.0.1', port: Number(process.argv[2]) });

server.on('connection', (socket) => {
  socket.on('message', (message) => socket.send(message));
  socket.on('error', () => {}); // the tester judges what went wrong
});
