// Echo client on Node ws. Usage: node client.js URL AGENT
// Asks the fuzzing server at URL for its cases, echoes through each, then asks it to write its report.
const WebSocket = require('ws');

const [url, name] = process.argv.slice(2);
const agent = encodeURIComponent(name);

function visit(path, onMessage) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url + path);
    socket.on('message', (data, isBinary) => onMessage(socket, data, isBinary));
    socket.on('error', () => {}); // the fuzzing server judges; "close" follows
    socket.on('close', resolve);
  });
}

async function main() {
  let count = 0;
  await visit('/getCaseCount', (_, data) => { count = Number(data.toString()); });
  if (!(count > 0)) throw new Error('the fuzzing server gave no case count');
  for (let number = 1; number <= count; number++) {
    await visit(`/runCase?case=${number}&agent=${agent}`, (socket, data, isBinary) => {
      socket.send(data, { binary: isBinary });
    });
  }
  await visit(`/updateReports?agent=${agent}`, () => {});
}

main();
