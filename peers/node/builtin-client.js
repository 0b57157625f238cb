// Echo client on Node's own WebSocket. Usage: node --experimental-websocket builtin-client.js URL AGENT
const { echoThroughAllCases } = require('./browser-loop.js');

const [url, agent] = process.argv.slice(2);
echoThroughAllCases(url, agent);
