// Pages that are packed in blocks of data: unpacked, read, and built element by element.

const LARGEST = 200 * 1024 * 1024;
const TAGS = new Set(("article header footer section nav h2 h3 h4 p a span code pre strong em b small time div table " +
  "caption thead tbody tr th td ul ol li dl dt dd details summary fieldset legend label input br mark i svg path text tspan").split(" "));
const ATTRIBUTES = new Set(("class id rel scope colspan datetime tabindex role open checked type name title " +
  "aria-label aria-hidden data-case data-title data-more width height d x y dy").split(" "));

/** Elements of pictures. */
const DRAWN = new Set(["svg", "path", "text", "tspan"]);
const SVG = "http://www.w3.org/2000/svg";

/** Blocks of cases; each is unpacked when one of its cases is looked at. */
const blocks = findAll(".pages");
const blockOf = new Map(blocks.flatMap((block) => block.dataset.names.split(" ").map((name) => [name, block])));

/** The last blocks that were unpacked: two cases may be looked at side by side. */
const recent = new Map();
const RECENT = 4;

/** The markup of the page and the record of a case, as texts; nothing if there is no such case. */
async function unpacked(name) {
  const block = blockOf.get(name);
  if (!block) return undefined;
  const cases = recent.get(block) ?? unpack(block);
  recent.delete(block);
  recent.set(block, cases);
  if (recent.size > RECENT) recent.delete(recent.keys().next().value);
  return (await cases).get(name);
}

/** The cases of a block. */
async function unpack(block) {
  if (Number(block.dataset.octets) > LARGEST) throw new Error("too large, write the report with --html-dir");
  const packed = Uint8Array.from(atob(block.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const chunks = [];
  let octets = 0;
  for (const reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    octets += value.length;
    if (octets > LARGEST) throw new Error("too large, write the report with --html-dir");
    chunks.push(value);
  }
  const [often, ...texts] = (await new Blob(chunks).text()).split("\0");
  const lines = often.split("\n");
  const names = block.dataset.names.split(" ");
  const [parts, scripts] = [Number(block.dataset.parts), Number(block.dataset.scripts)];
  const joined = (from, to, at) => Array.from({ length: to - from }, (_, part) => texts[(from + part) * names.length + at]).join("")
    .replace(/\u0002(.)/gs, (_, place) => lines[place.charCodeAt(0) - 0x100]);
  return new Map(names.map((name, at) => [name, {
    get page() { return joined(0, parts, at).replaceAll("\u0001", name); },
    get scripts() { return joined(parts, parts + scripts, at); },
    get record() { return joined(parts + scripts, parts + scripts + 1, at); },
  }]));
}

const TOKEN = /([^<]+)|<\/\w+>|<(\w+)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>/g;
const VOID = new Set(["br", "input"]);
const REFERENCES = { amp: "&", lt: "<", gt: ">", quot: "\"", nbsp: "\u00a0" };
const plain = (text) => text.replace(/&(?:#(\d+)|(\w+));/g, (_, number, name) =>
  name === undefined ? String.fromCodePoint(Number(number)) : REFERENCES[name]);

/** What a template printed, read as nested lists: [name, attributes, children…]. */
function tree(markup) {
  const open = [["", {}]];
  for (const [, text, name, attributes] of markup.matchAll(TOKEN)) {
    if (text !== undefined) open.at(-1).push(plain(text));
    else if (name === undefined) open.pop();
    else {
      const given = [...attributes.matchAll(/([\w-]+)(?:="([^"]*)")?/g)];
      const element = [name, Object.fromEntries(given.map(([, key, value]) => [key, plain(value ?? "")]))];
      open.at(-1).push(element);
      if (!VOID.has(name)) open.push(element);
    }
  }
  return open[0].find((node) => Array.isArray(node));
}

function build(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const [tag, attributes, ...children] = node;
  if (!TAGS.has(tag)) return document.createTextNode("");
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
    if (name === "href" && /^(#|https:\/\/)/.test(value)) element.setAttribute(name, value);
  }
  element.append(...children.map(build));
  return element;
}

// What is written out is what can be read without this script; with it, a case has its whole page.
const briefs = new Map(findAll(".brief").map((one) => [one.id, one]));
for (const brief of briefs.values()) brief.removeAttribute("id");

/** The article of a case, built from the data block. */
async function article(name) {
  const page = (await unpacked(name))?.page;
  return page ? build(tree(page)) : null;
}
