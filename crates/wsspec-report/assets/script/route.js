// The address, #PAGE?PARAMETERS, and what it shows: every state is a link.

let overview = "#";
let shown = "";

const address = () => {
  const [page, parameters] = location.hash.slice(1).split("?");
  return [decodeURIComponent(page), new URLSearchParams(parameters)];
};

/** Writes what can be set on the overview into the address, so that every state is a link. */
function remember() {
  const [page] = address();
  const parameters = new URLSearchParams();
  if (query.value) parameters.set("q", query.value);
  if (find("#only-differences").checked) parameters.set("differences", "1");
  if (find("#compact").checked) parameters.set("compact", "1");
  const hidden = findAll("thead th[hidden]", matrix).map((head) => head.dataset.agent);
  if (hidden.length > 0) parameters.set("without", hidden.join(","));
  const order = columns();
  if (order.join() !== COLUMNS.join()) parameters.set("order", order.join(","));
  if (reference) parameters.set("reference", reference);
  if (find("#differing-first").checked) parameters.set("sort", "diff");
  const open = shown ? openBlocks() : [];
  if (open.length > 0) parameters.set("open", open.join(","));
  const changed = sections.filter((section) => isFolded(section) === ("open" in section.dataset));
  if (changed.length > 0) parameters.set("fold", changed.map((section) => section.dataset.section).join(","));
  if (root.dataset.theme) parameters.set("theme", root.dataset.theme);
  const text = parameters.toString();
  const target = "#" + page + (text ? "?" + text : "");
  if (target !== location.hash) history.replaceState(null, "", target === "#" ? location.pathname : target);
  overview = page === "" || page === "overview" ? target : overview;
}

/** The blocks of a case page, by the first words of their headings. */
const blockName = (block) => find("h3", block).textContent.split(" ")[0].toLowerCase();
const openBlocks = () => [...new Set(findAll("details.block[open]", place).map(blockName))];

function openAgain(parameters) {
  const names = (parameters.get("open") ?? "").split(",");
  for (const block of findAll("details.block", place)) if (names.includes(blockName(block))) block.open = true;
}

function recall(parameters) {
  query.value = parameters.get("q") ?? "";
  find("#only-differences").checked = parameters.has("differences");
  find("#compact").checked = parameters.has("compact");
  matrix.classList.toggle("compact", parameters.has("compact"));
  const list = (name) => parameters.get(name)?.split(",").filter((key) => COLUMNS.includes(key)) ?? [];
  // An address may name the columns to show, or those to leave out.
  const wanted = list("cols");
  const hidden = wanted.length > 0 ? COLUMNS.filter((key) => !wanted.includes(key)) : list("without");
  for (const cell of findAll("[data-agent]", matrix)) cell.hidden = hidden.includes(cell.dataset.agent);
  reorder(wanted.length > 0 ? wanted : list("order"));
  setReference(parameters.get("reference") ?? "");
  find("#differing-first").checked = parameters.get("sort") === "diff";
  sortRows();
  const changed = (parameters.get("fold") ?? "").split(",");
  for (const section of sections) {
    const open = "open" in section.dataset !== changed.includes(section.dataset.section);
    find(".fold button", section).setAttribute("aria-expanded", String(open));
  }
  filter();
}

/** A section without rules of its own leads to the first one below it. */
function requirement(page) {
  const rules = find("#rfc");
  return page.startsWith("rfc") ? findAll("[id]", rules).find((row) => row.id.startsWith(page + ".")) ?? rules : null;
}

/** Links know nothing of the theme: who chose one has it in the next address, too. */
function keepTheme() {
  if (!root.dataset.theme) return;
  const hash = location.hash || "#";
  history.replaceState(null, "", hash + (hash.includes("?") ? "&" : "?") + "theme=" + root.dataset.theme);
}

/** Counts what was asked for: a page that is unpacked late is not shown in the place of another. */
let turns = 0;

async function route() {
  turns += 1;
  const [page, parameters] = address();
  if (parameters.has("theme")) setTheme(parameters.get("theme"));
  else keepTheme();
  const old = /^case_desc_(\d+(?:_\d+)*)$/.exec(page);
  if (old) return location.replace("#" + old[1].replaceAll("_", "."));
  const [, names, mark] = /^(\d+(?:\.\d+)+(?:@.*?)?)(?::([a-z]+\d+))?$/.exec(page) ?? [];
  if (names !== undefined) return showCases(byKey(names), mark);
  const left = shown && findAll("td a", matrix).find((link) => link.hash === "#" + shown);
  place.replaceChildren();
  const target = page === "" ? null : document.getElementById(page) ?? requirement(page);
  const view = target?.closest(".view") ?? find("#overview");
  if (view.id === "overview") {
    overview = location.hash || "#";
    recall(parameters);
  }
  show(view, view.id === "overview" ? title : find("h2", view).textContent + " · " + title);
  if (target && target !== view) target.scrollIntoView({ behavior: "instant" });
  // What a filter selects is what a link with a filter is about.
  else if (view.id === "overview" && parameters.get("q")) find("#filter").scrollIntoView({ behavior: "instant" });
  else scrollTo({ top: 0, behavior: "instant" });
  // Who was on the page of a case goes on from its place in the table.
  if (view.id === "overview" && left && left.checkVisibility()) left.focus();
  return undefined;
}

function show(view, name) {
  for (const other of findAll(".view")) {
    other.classList.toggle("current", other === view);
    if (other !== view && other !== place && other.id !== "failures") other.setAttribute("hidden", "until-found");
    else other.removeAttribute("hidden");
  }
  document.title = name;
  shown = "";
}

/** The case and the keys of its implementations, which may be called as they are shown. */
function byKey(names) {
  const at = names.indexOf("@");
  const id = at < 0 ? names : names.slice(0, at);
  const keys = at < 0 ? [worst(id)] : names.slice(at + 1).split("~").map(keyOf);
  return id + "@" + keys.join("~");
}

function keyOf(name) {
  if (COLUMNS.includes(name)) return name;
  const head = findAll("thead [data-agent]", matrix).find((one) => find(".name", one).textContent === name);
  return head?.dataset.agent ?? name;
}

async function showCases(names, mark) {
  if (shown !== names) {
    const [id, agents] = names.split("@");
    const keys = agents.split("~");
    const turn = turns;
    place.classList.remove("pair");
    place.replaceChildren(build(["p", { class: "notice", role: "status" }, "Unpacking " + names + " …"]));
    show(place, names + " · " + title);
    const none = (key) => build(["p", { class: "notice" }, "There is no result for " + id + (key && "@" + key) + "."]);
    let articles;
    try {
      articles = await Promise.all(keys.map(async (key) => await article(id + "@" + key) ?? none(key)));
    } catch (error) {
      const inBrief = keys.map((key) => briefs.get(id + "@" + key)?.cloneNode(true)).filter(Boolean);
      articles = [build(["p", { class: "notice" }, "This page cannot be unpacked: " + error.message]), ...inBrief];
    }
    if (turn !== turns) return;
    articles.forEach(dress);
    place.replaceChildren(...articles);
    place.classList.toggle("pair", articles.filter((one) => one.tagName === "ARTICLE").length > 1);
    if (articles.length === 2 && articles.every((one) => one.tagName === "ARTICLE")) place.prepend(together(...articles));
    show(place, (articles.find((one) => one.dataset.title)?.dataset.title ?? names) + " · " + title);
    shown = names;
    openAgain(address()[1]);
    main.focus({ preventScroll: true });
  }
  pointAt(mark);
}

/** The text of a cell without its octets, which are shown on demand, and without what is said of it. */
function words(cell) {
  const copy = cell.cloneNode(true);
  for (const hex of findAll(".hex, .here, .cut", copy)) hex.remove();
  return copy.textContent.trim();
}

/** One timeline of two articles: rows that tell the same stand side by side. */
function together(a, b) {
  const told = (one) => findAll(".log tbody tr[id]:not(.octets)", one).map((row) => ({
    time: find(".ms", row).textContent,
    text: [...row.children].slice(2).map(words).filter(Boolean).join(" "),
    line: row.id,
  }));
  const pairs = align(told(a), told(b), (left, right) => left.text === right.text);
  const cells = (row) => (row === undefined ? [["td", {}], ["td", {}]]
    : [["td", { class: "time" }, row.time], ["td", {}, ["a", { href: "#" + row.line }, row.text]]]);
  const rows = pairs.map(([left, right]) => ["tr", { class: left && right ? "" : "deviation" },
    ...cells(left), ["td", {}, left && right ? "= same" : "≠ only here"], ...cells(right)]);
  const name = (one) => find(".agent", one).textContent;
  const head = ["ms", name(a), "Mark", "ms", name(b)].map((text) => ["th", { scope: "col" }, text]);
  return build(["section", { class: "block shared" }, ["h2", {}, "Both timelines"],
    ["label", {}, ["input", { type: "checkbox", name: "differences", class: "only" }], "only differences"],
    ...pairs.every(([left, right]) => left && right) ? [["p", {}, "Row for row the same."]] : [],
    ["div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Both timelines" },
      ["table", { class: "together" }, ["caption", {}, "What happened with both, row by row"],
        ["thead", {}, ["tr", {}, ...head]], ["tbody", {}, ...rows]]]]);
}

/** The longest common subsequence of two lists, with what is only in one of them in between. */
function align(a, b, same) {
  const best = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i][j] = same(a[i], b[j]) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(a[i], b[j])) pairs.push([a[i++], b[j++]]);
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) pairs.push([a[i++], undefined]);
    else pairs.push([undefined, b[j++]]);
  }
  return pairs;
}

function pointAt(mark) {
  for (const row of findAll(".target", place)) row.classList.remove("target");
  const [, kind, number] = /^([a-z]+)(\d+)$/.exec(mark ?? "") ?? [];
  // Reads and writes have numbers, too: what is not shown leads to what follows it.
  const near = kind && findAll("[id]", place).filter((element) => {
    const [, own, at] = /:([a-z]+)(\d+)$/.exec(element.id) ?? [];
    return own === kind && Number(at) >= Number(number) && element.checkVisibility();
  });
  const exact = kind && findAll("[id]", place).find((element) => element.id.endsWith(":" + mark));
  const target = exact && (kind !== "f" || exact.checkVisibility()) ? exact : near?.[0] ?? exact;
  if (!target) return scrollTo({ top: 0, behavior: "instant" });
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.classList.add("target");
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
  return target.scrollIntoView({ block: "center" });
}

/** The agent to show if the address names none: one that failed, else the first. */
function worst(id) {
  const row = rows.find((one) => one.dataset.id === id);
  const cells = row ? findAll("td[data-agent]", row) : [];
  return (cells.find((cell) => cell.classList.contains("v-fail")) ?? cells[0])?.dataset.agent ?? "";
}
