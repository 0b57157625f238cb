// Echo client on Chromium's WebSocket. Usage: node chromium-client.js URL AGENT
// Serves the loop as a page, opens it in headless Chromium, and ends when the page reports that it is done.
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');

const [url, agent] = process.argv.slice(2);
const call = `echoThroughAllCases(${JSON.stringify(url)}, ${JSON.stringify(agent)})`;
const loop = fs.readFileSync(path.join(__dirname, 'browser-loop.js'), 'utf8');
const page = `<!doctype html><script>${loop}\n${call}.finally(() => fetch('/done'));</script>`;

const server = http.createServer((request, response) => {
  if (request.url === '/done') finish();
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(request.url === '/' ? page : '');
});

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'echo-client-'));
let browser;

server.listen(0, '127.0.0.1', () => {
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
  browser = spawn('chromium', [...options, `http://127.0.0.1:${server.address().port}/`], { stdio: 'inherit' });
  browser.on('exit', () => {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit();
  });
});

function finish() {
  browser.kill();
}

process.on('SIGTERM', finish);
