// Echo server on Node ws, which obeys the commands of wst.cmd. Usage: node server.js PORT
const { WebSocketServer } = require('ws');

const COMMANDS = 'wst.cmd';

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has(COMMANDS) ? COMMANDS : false),
});

function payload(kind, length, seed = 0) {
  const [first, count] = kind === 'text' ? [97, 26] : [0, 256];
  const unit = Buffer.from(Array.from({ length: count }, (_, n) => first + ((seed + n) % count)));
  const octets = Buffer.alloc(length, unit);
  return kind === 'text' ? octets.toString() : octets;
}

function obey(socket, text) {
  const [name, ...words] = text.slice(1).split(' ');
  const numbers = words.map(Number);
  switch (name) {
    case 'close':
      if (words.length === 0) return socket.close();
      return socket.close(numbers[0], words.slice(1).join(' '));
    case 'close-api':
      return socket.close(numbers[0]);
    case 'send':
      return socket.send(payload(words[0], numbers[1], numbers[2]));
    case 'sendfrag': {
      const whole = payload('bin', numbers[0]);
      for (let at = 0; at < whole.length; at += numbers[1]) {
        const end = at + numbers[1];
        socket.send(whole.subarray(at, end), { binary: true, fin: end >= whole.length, compress: false });
      }
      return undefined;
    }
    case 'ping':
      return Array.from({ length: numbers[0] }, (_, n) => socket.ping(String(n)));
    case 'burst':
      return Array.from({ length: numbers[0] }, (_, n) => socket.send(payload('bin', numbers[1], n)));
    case 'reset':
      return socket.terminate();
    default:
      throw new Error('no such command');
  }
}

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    if (socket.protocol !== COMMANDS || isBinary || data[0] !== 0x21) {
      return socket.send(data, { binary: isBinary });
    }
    try {
      obey(socket, data.toString());
    } catch (error) {
      socket.send(`!refused ${error.message}`); // what the API does not take
    }
  });
  socket.on('error', () => {}); // the tester judges what went wrong
});
