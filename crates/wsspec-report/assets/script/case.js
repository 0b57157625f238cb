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

/** Times are packed in microseconds alone. */
function milliseconds(one) {
  for (const time of findAll(".log .time", one)) find(".ms", time).textContent = (Number(find(".us", time).textContent) / 1000).toFixed(2);
}

function dress(one) {
  if (one.tagName !== "ARTICLE" || one.classList.contains("brief")) return;
  copyButtons(one);
  addScripts(one);
  milliseconds(one);
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
  const steps = find(".steps", one);
  steps.append(button("next failure", () => step(1)));
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
