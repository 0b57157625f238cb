#!/usr/bin/env node
{{HEADING}}
// usage: node SCRIPT [HOST [PORT]]     Node.js, nothing else
"use strict";
// Both a plain script and a module (.mjs, "type": "module") can load them so.
let net, tls, crypto;

const HOST = process.argv[2] || {{HOST}};
const PORT = Number(process.argv[3] || {{PORT}});
const [CONNECTS, TLS, END, PATIENCE] = [{{CONNECTS}}, {{TLS}}, {{END}}, {{PATIENCE}}];
const EXPECTED = [
{{EXPECTED}}];

const octets = (...parts) =>
  Buffer.concat(parts.map((part) => {
    const [hex, times] = typeof part === "string" ? [part, 1] : part;
    const unit = Buffer.from(hex, "hex");
    return Buffer.alloc(unit.length * times, unit);
  }));

// Seconds of pause, whether the peer has to send something first, what it is, the octets.
const MOVES = [
{{MOVES}}];

async function load() {
  [net, tls, crypto] = await Promise.all([import("net"), import("tls"), import("crypto")]);
}

let received = Buffer.alloc(0);
let ended = null;
let wake = () => {};

function watch(stream) {
  stream.setNoDelay(true);
  stream.on("data", (data) => { received = Buffer.concat([received, data]); wake(); });
  stream.on("end", () => { ended = ended || "the peer ended TCP"; wake(); });
  stream.on("error", () => { ended = ended || "TCP was reset"; wake(); });
  return stream;
}

function connect() {
  return new Promise((resolve, reject) => {
    if (!CONNECTS) {
      const server = net.createServer({ allowHalfOpen: true }, (stream) => { server.close(); resolve(watch(stream)); });
      server.listen(PORT, HOST, () => console.log(`waiting for the client at ws://${HOST}:${server.address().port}`));
      return;
    }
    const options = { host: HOST, port: PORT, allowHalfOpen: true, rejectUnauthorized: false };
    const stream = TLS ? tls.connect(options, () => resolve(watch(stream))) : net.connect(options, () => resolve(watch(stream)));
    stream.once("error", (error) => reject(new Error(`cannot connect: ${error.code}`)));
  });
}

async function hear(seconds, enough = () => false) {
  const deadline = Date.now() + seconds * 1000;
  while (!ended && !enough() && Date.now() < deadline) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()));
      wake = () => { clearTimeout(timer); resolve(); };
    });
  }
}

const headIsThere = () => received.includes("\r\n\r\n");

function acceptKey() {
  const key = /^sec-websocket-key:\s*(\S+)/im.exec(received.toString("latin1"));
  const hash = crypto.createHash("sha1").update((key ? key[1] : "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return hash.digest("base64");
}

async function converse(stream) {
  if (!CONNECTS) await hear(30, headIsThere);
  let mark = 0;
  for (const [place, [pause, listens, what, octetsToSend]] of MOVES.entries()) {
    let data = octetsToSend;
    if (place === 0) data = Buffer.from(data.toString("latin1").replace("@ACCEPT@", acceptKey()), "latin1");
    if (place === 1 && CONNECTS) await hear(10, headIsThere);
    else if (listens) await hear(10, () => received.length > mark);
    if (pause > 0) await hear(pause);
    if (ended) {
      console.log(`not sent  ${String(data.length).padStart(7)} octets  ${what}: ${ended}`);
      return;
    }
    stream.write(data);
    console.log(`sent      ${String(data.length).padStart(7)} octets  ${what}`);
    mark = received.length;
  }
  if (END === "fin") stream.end();
  await hear(PATIENCE);
  if (END === "reset" && !ended) {
    stream.resetAndDestroy ? stream.resetAndDestroy() : stream.destroy();
    ended = "this script reset TCP";
  }
}

function shown(payload) {
  const text = payload.subarray(0, 60).toString("latin1");
  const safe = text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `"${safe}"${payload.length > 60 ? "..." : ""}`;
}

function* linesOf(data) {
  let rest = data;
  const end = data.indexOf("\r\n\r\n");
  if (end >= 0 && (!CONNECTS || data.subarray(0, 5).toString() === "HTTP/")) {
    for (const line of data.subarray(0, end).toString("latin1").split("\r\n")) yield shown(Buffer.from(line, "latin1")).slice(1, -1);
    rest = data.subarray(end + 4);
  }
  const names = { 0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong" };
  while (rest.length >= 2) {
    let length = rest[1] & 127;
    let at = 2;
    if (length > 125) {
      const size = length === 126 ? 2 : 8;
      if (rest.length < 2 + size) break;
      length = size === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      at += size;
    }
    const masked = rest[1] & 128;
    const mask = rest.subarray(at, at + 4);
    if (masked) at += 4;
    if (rest.length < at + length) break;
    const payload = Buffer.from(rest.subarray(at, at + length));
    if (masked) payload.forEach((octet, place) => { payload[place] = octet ^ mask[place % 4]; });
    const name = names[rest[0] & 15] || `opcode ${rest[0] & 15}`;
    const rsv = rest[0] >> 4 & 7;
    const bits = `fin=${rest[0] >> 7}${rsv ? ` rsv=${rsv}` : ""}`;
    if ((rest[0] & 15) === 8 && length >= 2) yield `${name} ${bits} code ${payload.readUInt16BE(0)} ${shown(payload.subarray(2))}`;
    else yield `${name} ${bits} length ${length} ${shown(payload)}`;
    rest = rest.subarray(at + length);
  }
  if (rest.length) yield `${rest.length} octets that are no whole frame: ${rest.subarray(0, 60).toString("hex")}`;
}

load().then(connect).then(async (stream) => {
  await converse(stream);
  console.log("\nexpected");
  EXPECTED.forEach((line) => console.log("    " + line));
  console.log("received");
  for (const line of linesOf(received)) console.log("    " + line);
  console.log("    " + (ended || `nothing more for ${PATIENCE} s; the connection is open`));
  stream.destroy();
}).catch((error) => { console.error(error.message); process.exitCode = 1; });
