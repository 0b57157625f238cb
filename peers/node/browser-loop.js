// The loop of an echo client on the WebSocket class of the browsers; Node and Chromium both run it.
async function echoThroughAllCases(url, name) {
  const agent = encodeURIComponent(name);
  const visit = (path, onMessage) => new Promise((resolve) => {
    const socket = new WebSocket(url + path);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (event) => onMessage(socket, event.data);
    socket.onclose = resolve; // follows every error, too: the fuzzing server judges
  });

  let count = 0;
  await visit('/getCaseCount', (_, data) => { count = Number(data); });
  if (!(count > 0)) throw new Error('the fuzzing server gave no case count');
  for (let number = 1; number <= count; number++) {
    await visit(`/runCase?case=${number}&agent=${agent}`, (socket, data) => socket.send(data));
  }
  await visit(`/updateReports?agent=${agent}`, () => {});
}

if (typeof module !== 'undefined') module.exports = { echoThroughAllCases };
