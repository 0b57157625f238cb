// What the script adds to the page of a case.

function button(text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}

async function copy(text, from) {
  await navigator.clipboard.writeText(text);
  from.textContent = "copied";
  setTimeout(() => { from.textContent = "copy"; }, 2000);
}

/** A text with a button that copies it. */
function copyable(text) {
  const box = document.createElement("div");
  box.className = "copy-row";
  const act = button("copy", () => copy(text.textContent, act));
  act.setAttribute("aria-live", "polite");
  box.append(text, act);
  return box;
}

/** A button at every text that is meant to be copied. */
function copyButtons(part) {
  for (const text of findAll("pre.copy", part)) {
    const mark = document.createComment("");
    text.replaceWith(mark);
    mark.replaceWith(copyable(text));
  }
}

/** The scripts of a failure, which are packed beside its page. */
async function addScripts(one) {
  const box = find(".scripts[data-more]", one);
  const packed = box && (await unpacked(one.id))?.scripts;
  if (!packed) return;
  const all = build(tree("<div class=\"scripts\">" + packed + "</div>"));
  copyButtons(all);
  box.replaceWith(all);
}

/** Times are packed as microseconds since the row before, octets of a frame as its number. */
function timeline(one) {
  let us = 0;
  for (const time of findAll(".log .time", one)) {
    us += Number(time.textContent);
    time.replaceChildren(build(["span", { class: "ms" }, (us / 1000).toFixed(2)]), build(["span", { class: "us" }, String(us)]));
  }
  for (const hex of findAll(".log .hex", one)) {
    if (!hex.textContent.startsWith("=")) continue;
    const frame = findAll(".anatomy", one).find((box) => box.id === one.id + ":b" + hex.textContent.slice(1));
    hex.textContent = findAll("dt", frame).map((octets) => octets.textContent).join(" ");
  }
}

/** Octets that are read aloud at most; what they mean follows. */
const NAMED = 16;

/** Each octet of a frame is packed once: its part of the frame, the names of its fields, and what it means. */
function anatomy(box) {
  const wire = build(["p", { class: "wire" }]);
  let [offset, key] = [0, ""];
  findAll("dl > div", box).forEach((part, place) => {
    const [octets, meaning] = part.children;
    const [field, words] = [meaning.firstChild, meaning.lastChild.textContent];
    const hex = octets.textContent;
    const size = hex.split(" ").length;
    const range = size < 2 ? "octet " + offset : "octets " + offset + " to " + (offset + size - 1);
    const name = range + ", hex " + hex.split(" ").slice(0, NAMED).join(" ") + ": " + words;
    const about = { class: "p" + place, tabindex: "0", role: "img", "aria-label": name };
    wire.append(build(["code", about, hex]), " ");
    if (field.textContent === "websocket.masking_key") key = " && websocket.masking_key == " + hex.replaceAll(" ", ":");
    octets.textContent = range;
    meaning.append(" ", field);
    part.className = "p" + place;
    part.tabIndex = 0;
    offset += size;
  });
  const first = Number.parseInt(wire.textContent, 16);
  const filter = "websocket.opcode == " + (first & 15) + " && websocket.fin == " + (first > 127) + key;
  box.prepend(wire);
  box.parentElement.append(build(["p", { class: "small" }, "Wireshark"]), build(["pre", { class: "copy" }, filter]));
}

function dress(one) {
  if (one.tagName !== "ARTICLE" || one.classList.contains("brief")) return;
  timeline(one);
  findAll(".anatomy", one).forEach(anatomy);
  copyButtons(one);
  addScripts(one);
  for (const link of findAll(".other", one)) {
    const compare = document.createElement("a");
    compare.href = "#" + one.id + "~" + link.hash.split("@")[1];
    compare.textContent = "compare";
    link.after(" ", compare);
  }
  const raw = find(".raw", one);
  raw?.addEventListener("toggle", async () => {
    const record = (await unpacked(one.id))?.record;
    if (record) find("p", raw).replaceWith(copyable(build(["pre", {}, record])));
  }, { once: true });
  const others = failures(rows).filter((cell) => linkOf(cell) !== "#" + one.id);
  if (others.length > 0) find(".steps", one).append(button("next failure", () => step(1)));
  if (raw) search(one);
}

/** A search in the timeline of a case. */
function search(one) {
  const lanes = find(".timeline .lanes", one);
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "search";
  input.name = "find";
  input.size = 10;
  label.append("find ", input);
  lanes.append(label);
  input.addEventListener("input", () => {
    let pattern;
    try {
      pattern = new RegExp(input.value, "i");
    } catch {
      return;
    }
    for (const row of findAll(".log tbody tr", one)) row.hidden = !pattern.test(row.textContent);
  });
}
