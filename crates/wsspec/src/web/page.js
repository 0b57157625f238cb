// The page connects, echoes, and shows what the server says. The server judges.
"use strict";

const byId = (id) => document.getElementById(id);
const signs = { pass: "✓", "non-strict": "~", fail: "✗", info: "i", "n/a": "–", timeout: "⧗", crash: "☠", error: "!", skipped: "·" };
const bad = new Set(["fail", "timeout", "crash", "error", "non-strict"]);
// Longer than the longest case of the server, so that a lost connection does not stop the page for ever.
const patience = 11 * 60 * 1000;

let catalogue = { cases: [], sections: [] };
let run = null;
const agents = new Map();

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function note(text) {
  byId("note").textContent = text;
  byId("note").hidden = !text;
}

function agentName() {
  const brands = navigator.userAgentData?.brands?.filter((b) => !/not.?a.?brand/i.test(b.brand)) ?? [];
  const brand = brands.find((b) => b.brand !== "Chromium") ?? brands[0];
  const match = /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(navigator.userAgent);
  const name = brand ? `${brand.brand} ${brand.version}` : match ? `${match[1].replace("Version", "Safari")} ${match[2]}` : navigator.userAgent;
  const system = navigator.userAgentData?.platform || navigator.platform;
  return (system ? `${name} on ${system}` : name).slice(0, 128);
}

function address(path, parameters) {
  const query = new URLSearchParams(parameters).toString();
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/${path}?${query}`;
}

// "5.*" is a pattern over the whole id, "5" a section, "5.1" a group or a case.
function matcher(words) {
  const patterns = words.trim().split(/[\s,]+/).filter(Boolean).map((word) => {
    const source = word.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(word.includes("*") ? `^${source}$` : `^${source}(\\.|$)`);
  });
  return (id) => patterns.length === 0 || patterns.some((pattern) => pattern.test(id));
}

const sets = {
  all: ["all", () => true],
  functional: ["functional (1 to 7, 10)", (section) => section <= 7 || section === 10],
  limits: ["limits (9)", (section) => section === 9],
  compression: ["compression (12, 13)", (section) => section === 12 || section === 13],
};

function chosen(set) {
  const only = matcher(byId("only").value);
  return catalogue.cases
    .map((item, index) => ({ ...item, number: index + 1, section: Number(item.id.split(".")[0]) }))
    .filter((item) => sets[set][1](item.section) && only(item.id));
}

function fillSets() {
  byId("only").value = "";
  for (const [name, [title]] of Object.entries(sets)) {
    const count = chosen(name).length;
    if (count === 0) continue;
    const option = make("option", `${title}: ${count}`);
    option.value = name;
    byId("set").append(option);
  }
}

function drawGrid(cases) {
  byId("grid").replaceChildren();
  const rows = new Map();
  for (const item of cases) {
    if (!rows.has(item.section)) {
      const title = catalogue.sections.find((s) => s.number === item.section)?.title ?? "";
      const row = make("div", undefined, "section");
      const name = make("b", String(item.section));
      name.title = title;
      row.append(name);
      rows.set(item.section, row);
      byId("grid").append(row);
    }
    const cell = make("span", " ", "case");
    cell.title = `${item.id} ${item.slug}`;
    item.cell = cell;
    rows.get(item.section).append(cell);
  }
}

// One case: connect, echo until closed.
function play(item, agent) {
  item.cell.classList.add("running");
  return new Promise((resolve) => {
    const socket = new WebSocket(address("runCase", { case: item.number, agent }));
    run.open.add(socket);
    const timer = setTimeout(() => socket.close(), patience);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      run.reached = true;
      showDeflate(socket.extensions);
    };
    socket.onmessage = (event) => socket.send(event.data);
    socket.onclose = () => {
      clearTimeout(timer);
      run.open.delete(socket);
      item.cell.classList.remove("running");
      resolve();
    };
  });
}

// So many cases without one connection that opened.
const HOPELESS = 8;

function giveUp() {
  run.stopped = true;
  note(unreachable(address("runCase", {}).split("?")[0]));
}

// E26: what was tried, why it may be kept from this page, where to go instead.
function unreachable(what, here = location) {
  const own = catalogue.address;
  const origin = here.origin === "null" || here.protocol === "file:" ? "a file" : here.origin;
  const local = (name) => /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(name);
  const why = [];
  if (own ? new URL(own).host !== here.host || new URL(own).protocol !== here.protocol : !local(here.hostname)) {
    why.push(`it was opened from ${origin}, which is not where wsspec listens`);
  }
  if (here.protocol === "https:" && !own?.startsWith("https:")) {
    why.push("an https page may use no ws://, and what is in between may speak no WebSocket");
  }
  if (!local(here.hostname) && (!own || local(new URL(own).hostname))) {
    why.push("a page of a public address needs the permission to reach a local one (Local Network Access)");
  }
  if (why.length === 0) why.push("the server has ended, or something in between drops the Upgrade header");
  const go = own ? `open ${own}/ itself` : "open the address that wsspec serve printed";
  return `E26: this page cannot reach ${what}\nwhy: ${why.join("; ")}\ntry: ${go}     (wsspec explain E26)`;
}

function showDeflate(extensions) {
  if (extensions) byId("deflate").textContent = `agreed: ${extensions}`;
}

async function start() {
  const agent = byId("agent").value.trim();
  const cases = chosen(byId("set").value);
  if (cases.length === 0) return note("no case matches");
  note("");
  byId("failures").tBodies[0].replaceChildren();
  run = { agent, cases, byId: new Map(cases.map((c) => [c.id, c])), verdicts: new Map(), next: 0, stopped: false, open: new Set() };
  drawGrid(cases);
  setRunning(true);
  show();
  const worker = async () => {
    while (!run.stopped && run.next < cases.length) {
      await play(cases[run.next++], agent);
      if (!run.reached && run.next >= HOPELESS) giveUp();
    }
  };
  await Promise.all(Array.from({ length: Number(byId("jobs").value) }, worker));
  await updateReports(agent);
  await settle();
  setRunning(false);
  show();
  await fetch("api/done", { method: "POST" }).catch(() => {});
}

function updateReports(agent) {
  return new Promise((resolve) => {
    const socket = new WebSocket(address("updateReports", { agent }));
    socket.onclose = resolve;
  });
}

// What the events did not bring, the results do.
async function settle() {
  const results = await fetch("api/results").then((response) => response.json()).catch(() => ({ agents: [] }));
  for (const { agent, verdicts, outcomes } of results.agents) {
    for (const [id, verdict] of Object.entries(verdicts)) {
      settled({ agent, case: id, verdict, outcome: outcomes?.[id], summary: "" });
    }
  }
}

function setRunning(running) {
  byId("start").disabled = running;
  byId("stop").disabled = !running;
  const total = run.cases.length;
  document.title = running ? `wsspec 0/${total}` : `wsspec done ${run.verdicts.size}/${total}`;
}

// What the baseline lists is told and counted apart: "fail, known".
function told(verdict, outcome) {
  return ["known", "fixed"].includes(outcome) ? `${verdict}, ${outcome}` : verdict;
}

function settled({ agent, case: id, verdict, outcome, summary }) {
  const words = told(verdict, outcome);
  if (!agents.has(agent)) agents.set(agent, new Map());
  agents.get(agent).set(id, words);
  drawAgents();
  const item = run && agent === run.agent ? run.byId.get(id) : undefined;
  if (!item || run.verdicts.get(id) === words) return;
  run.verdicts.set(id, words);
  item.cell.textContent = signs[verdict] ?? "?";
  item.cell.className = `case ${verdict.replace("n/a", "na").replace(" ", "-")} ${outcome ?? ""}`;
  item.cell.title = `${id} ${item.slug}: ${words}`;
  if (bad.has(verdict)) addFailure(item, words, summary);
  show();
}

function addFailure(item, words, summary) {
  const row = make("tr");
  row.append(make("td", `${item.id} ${item.slug}`), make("td", words), make("td", summary || item.title));
  byId("failures").tBodies[0].append(row);
}

function count(all) {
  const counts = new Map();
  for (const words of all) counts.set(words, (counts.get(words) ?? 0) + 1);
  return [...counts].map(([words, n]) => `${signs[words.split(",")[0]] ?? "?"} ${n} ${words}`).join("   ");
}

function show() {
  const done = run.verdicts.size;
  byId("bar").max = run.cases.length;
  byId("bar").value = done;
  byId("progress").textContent = `${done} of ${run.cases.length}`;
  byId("counts").textContent = count(run.verdicts.values());
  if (!byId("stop").disabled) document.title = `wsspec ${done}/${run.cases.length}`;
}

function drawAgents() {
  const rows = [...agents].reverse().map(([agent, verdicts]) => {
    const row = make("tr");
    row.append(make("td", agent), make("td", String(verdicts.size)), make("td", count(verdicts.values())));
    return row;
  });
  byId("agents").tBodies[0].replaceChildren(...rows);
}

function listen() {
  const events = new EventSource("events");
  events.addEventListener("verdict", (event) => settled(JSON.parse(event.data)));
  events.addEventListener("missed", settle);
  events.addEventListener("stop", () => note("The server was stopped."));
  events.onerror = () => note("The connection to the server is lost; trying again.");
  events.onopen = () => note("");
}

async function main() {
  const parameters = new URLSearchParams(location.search);
  byId("agent").value = parameters.get("agent") || agentName();
  catalogue = await fetch("api/cases").then((response) => response.json());
  byId("server").textContent = `server ${location.host}, wsspec ${catalogue.version}, ${catalogue.cases.length} cases`;
  fillSets();
  for (const name of ["set", "only", "jobs"]) if (parameters.has(name)) byId(name).value = parameters.get(name);
  listen();
  await settle();
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("stop").addEventListener("click", () => {
    run.stopped = true;
    for (const socket of run.open) socket.close();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && run && !byId("stop").disabled) note("Browsers slow hidden tabs down: keep this one visible.");
  });
  if (parameters.has("autostart")) start();
}

main().catch((error) => {
  const away = error instanceof TypeError || error instanceof SyntaxError;
  note(away ? unreachable("its server") : `The page cannot start: ${error.message}`);
});
