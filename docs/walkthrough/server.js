// The echo server of docs/walkthrough.md. Usage: node server.js PORT
const WebSocket = require('ws');

const server = new WebSocket.Server({ host: '127.0.0.1', port: Number(process.argv[2]) });

server.on('connection', (socket) => {
  // From release 8 on a text comes as octets, too, and the second argument says what it was.
  socket.on('message', (message, isBinary = typeof message !== 'string') => {
    socket.send(message, { binary: isBinary });
  });
  socket.on('error', () => {}); // the tester judges what went wrong
});
