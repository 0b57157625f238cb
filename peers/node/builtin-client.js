// Echo client on Node's own WebSocket. Usage: node --experimental-websocket builtin-client.js URL AGENT [JOBS]
const { echoThroughAllCases } = require('./browser-loop.js');

const [url, agent, jobs] = process.argv.slice(2);
echoThroughAllCases(url, agent, Number(jobs ?? 1));
