// The loop of an echo client on the WebSocket class of the browsers; Node and Chromium both run it. So many cases
// run at a time.
async function echoThroughAllCases(url, name, jobs = 1) {
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
  let next = 1;
  const worker = async () => {
    while (next <= count) {
      await visit(`/runCase?case=${next++}&agent=${agent}`, (socket, data) => socket.send(data));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  await visit(`/updateReports?agent=${agent}`, () => {});
}

if (typeof module !== 'undefined') module.exports = { echoThroughAllCases };
