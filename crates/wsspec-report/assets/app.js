// The page works without this script; with it, parts are shown one at a time, cases can be filtered
// and compared, and the pages that are packed in blocks of data are unpacked.
// Elements are built one by one from a fixed list; no string is ever parsed as markup.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;
  const main = find("#main");
  const place = find("#page");
  const matrix = find("#matrix");
  const query = find("#query");
  const hits = find("#hits");
  const title = document.title;
  root.classList.add("js");

  // ---- Packed pages -------------------------------------------------------------------------

  const LARGEST = 200 * 1024 * 1024;
  const TAGS = new Set(("article header footer section nav h2 h3 h4 p a span code pre strong em b small time div table " +
    "caption thead tbody tr th td ul ol li dl dt dd details summary fieldset legend label input br").split(" "));
  const ATTRIBUTES = new Set(("class id rel scope colspan datetime tabindex role open checked type name title " +
    "aria-label aria-hidden data-case data-title").split(" "));

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
    const parts = [];
    let octets = 0;
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      octets += value.length;
      if (octets > LARGEST) throw new Error("too large, write the report with --html-dir");
      parts.push(value);
    }
    const texts = (await new Blob(parts).text()).split("\0");
    const names = block.dataset.names.split(" ");
    return new Map(names.map((name, at) => [name, { page: texts[at], record: texts[names.length + at] }]));
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
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
      if (name === "href" && /^(#|https:\/\/www\.rfc-editor\.org\/)/.test(value)) element.setAttribute(name, value);
    }
    element.append(...children.map(build));
    return element;
  }

  /** The article of a case: it stands in the document, or is built from the data block. */
  async function article(name) {
    const inline = document.getElementById(name);
    if (inline) return inline;
    const page = (await unpacked(name))?.page;
    return page ? build(tree(page)) : null;
  }

  // ---- Filter -------------------------------------------------------------------------------

  const glob = (pattern) => {
    const regex = /^\/(.*)\/$/.exec(pattern);
    if (regex) return new RegExp(regex[1], "i");
    const plain = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp("^" + plain + "$", "i");
  };
  /** A comparison such as <1s or >=64KiB. */
  const compare = (text, units, hint) => {
    const [, sign, number, unit] = /^(<=|>=|<|>)\s*([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
    if (number === undefined || !Object.hasOwn(units, unit)) throw new Error(hint);
    const limit = Number(number) * units[unit];
    const holds = { "<": (v) => v < limit, ">": (v) => v > limit, "<=": (v) => v <= limit, ">=": (v) => v >= limit };
    return holds[sign];
  };
  const TIMES = { ms: 1, s: 1000, m: 60000, min: 60000, h: 3600000 };
  const SIZES = { "": 1, B: 1, KiB: 1024, MiB: 1048576 };
  const matches = (argument, value) => {
    const pattern = glob(argument);
    return (value ?? "").split(" ").some((part) => pattern.test(part));
  };
  /** What can be asked about a row and one of its cells. */
  const FACTS = {
    id: (argument) => (row) => matches(argument, row.dataset.id),
    slug: (argument) => (row) => matches(argument, row.dataset.slug),
    section: (argument) => (row) => row.parentElement.dataset.section === argument,
    level: (argument) => (row) => matches(argument, row.dataset.level),
    rfc: (argument) => (row) => row.dataset.rfc.split(" ").some((clause) =>
      clause === argument || clause.startsWith(argument + ".")),
    status: (argument) => (_, cell) => matches(argument, cell.dataset.status.replaceAll(" ", "-"))
      || cell.dataset.status === argument,
    outcome: (argument) => (_, cell) => matches(argument, cell.dataset.outcome ?? "expected"),
    agent: (argument) => (_, cell) => matches(argument, cell.dataset.agent),
    differs: () => (row) => "differs" in row.dataset,
    set: (argument) => (row) => matches(argument.replace(/^@/, ""), row.dataset.sets),
    needs: (argument) => (row) => matches(argument, row.dataset.needs),
    time: (argument) => {
      const holds = compare(argument, TIMES, "a time is compared as in time(<1s)");
      return (row) => holds(Number(row.dataset.ms));
    },
    size: (argument) => {
      const holds = compare(argument, SIZES, "a size is compared as in size(>=64KiB)");
      return (row) => holds(Number(row.dataset.size));
    },
  };
  const word = (text) => (row, cell) => {
    const wanted = text.toLowerCase();
    const texts = [row.dataset.id, row.dataset.slug, row.dataset.rfc, row.dataset.cause, row.dataset.level,
      find(".slug", row).title, cell.dataset.agent, cell.textContent];
    heads ??= readHeads().catch(() => {});
    const name = row.dataset.id + "@" + cell.dataset.agent;
    return texts.some((known) => known.toLowerCase().includes(wanted)) || headers[name]?.includes(wanted);
  };

  // Words are also looked for in the headers of the opening handshakes, once these are unpacked.
  let heads;
  let headers = {};

  async function readHeads() {
    const found = {};
    for (const block of blocks) {
      for (const [name, { record }] of await unpack(block)) {
        const { request, response } = record ? JSON.parse(record).handshake : {};
        found[name] = ((request?.utf8 ?? "") + "\n" + (response?.utf8 ?? "")).toLowerCase();
      }
    }
    headers = found;
    filter();
  }

  /** Reads the filter language; throws at what it does not know. */
  function parse(text) {
    const tokens = text.match(/\w+\((?:\/(?:[^/\\]|\\.)*\/|[^()]*)\)|[()|&!]|[^\s()|&!]+/g) ?? [];
    let at = 0;
    const take = (...words) => words.includes(tokens[at]?.toLowerCase()) && ++at > 0;
    const either = () => {
      let left = both();
      while (take("or", "|")) {
        const [a, b] = [left, both()];
        left = (row, cell) => a(row, cell) || b(row, cell);
      }
      return left;
    };
    const both = () => {
      let left = one();
      while (at < tokens.length && !["or", "|", ")"].includes(tokens[at].toLowerCase())) {
        take("and", "&");
        const [a, b] = [left, one()];
        left = (row, cell) => a(row, cell) && b(row, cell);
      }
      return left;
    };
    const one = () => {
      if (take("not", "!")) {
        const inner = one();
        return (row, cell) => !inner(row, cell);
      }
      if (take("(")) {
        const inner = either();
        if (!take(")")) throw new Error("a parenthesis is not closed");
        return inner;
      }
      const token = tokens[at++];
      if (token === undefined) throw new Error("something is missing at the end");
      const [, name, argument] = /^(\w+)\((.*)\)$/s.exec(token) ?? [];
      if (name === undefined) return word(token);
      if (!Object.hasOwn(FACTS, name)) throw new Error(name + "() is not known");
      return FACTS[name](argument.trim());
    };
    const all = either();
    if (at < tokens.length) throw new Error("unexpected " + tokens[at]);
    return all;
  }

  const rows = findAll("tr.case", matrix);
  const sections = findAll("tbody", matrix);
  const isFolded = (section) => find(".fold button", section)?.getAttribute("aria-expanded") === "false";

  function filter() {
    const text = [query.value.trim(), find("#only-differences").checked ? "differs()" : ""].filter(Boolean);
    let keeps = () => true;
    query.classList.remove("wrong");
    try {
      if (text.length > 0) keeps = parse(text.map((part) => "(" + part + ")").join(" and "));
    } catch (error) {
      query.classList.add("wrong");
      hits.textContent = "The filter cannot be read: " + error.message;
      return;
    }
    let shown = 0;
    for (const row of rows) {
      const cells = findAll("td", row).filter((cell) => !cell.hidden);
      const keep = cells.some((cell) => keeps(row, cell));
      shown += Number(keep);
      row.dataset.out = keep ? "" : "out";
    }
    for (const section of sections) {
      const own = findAll("tr.case", section);
      const folded = text.length === 0 && isFolded(section);
      for (const row of own) row.hidden = row.dataset.out === "out" || folded;
      section.hidden = own.every((row) => row.dataset.out === "out");
    }
    for (const one of findAll("#chips .chip")) {
      one.setAttribute("aria-pressed", String(query.value.includes(fact(one.dataset.word))));
    }
    hits.textContent = shown === rows.length ? rows.length + " cases" : shown + " of " + rows.length + " cases";
  }

  // ---- Address: #PAGE?PARAMETERS ------------------------------------------------------------

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
    const changed = sections.filter((section) => isFolded(section) === ("open" in section.dataset));
    if (changed.length > 0) parameters.set("fold", changed.map((section) => section.dataset.section).join(","));
    if (root.dataset.theme) parameters.set("theme", root.dataset.theme);
    const text = parameters.toString();
    const target = "#" + page + (text ? "?" + text : "");
    if (target !== location.hash) history.replaceState(null, "", target === "#" ? location.pathname : target);
    overview = page === "" || page === "overview" ? target : overview;
  }

  function recall(parameters) {
    query.value = parameters.get("q") ?? "";
    find("#only-differences").checked = parameters.has("differences");
    find("#compact").checked = parameters.has("compact");
    matrix.classList.toggle("compact", parameters.has("compact"));
    const hidden = (parameters.get("without") ?? "").split(",");
    for (const cell of findAll("[data-agent]", matrix)) cell.hidden = hidden.includes(cell.dataset.agent);
    reorder((parameters.get("order") ?? COLUMNS.join()).split(","));
    setReference(parameters.get("reference") ?? "");
    const changed = (parameters.get("fold") ?? "").split(",");
    for (const section of sections) {
      const open = "open" in section.dataset !== changed.includes(section.dataset.section);
      find(".fold button", section).setAttribute("aria-expanded", String(open));
    }
    filter();
  }

  async function route() {
    const [page, parameters] = address();
    if (parameters.has("theme")) setTheme(parameters.get("theme"));
    const old = /^case_desc_(\d+(?:_\d+)*)$/.exec(page);
    if (old) return location.replace("#" + old[1].replaceAll("_", "."));
    const [, names, mark] = /^(\d+(?:\.\d+)+(?:@[^:]*)?)(?::(\w+))?$/.exec(page) ?? [];
    if (names !== undefined) return showCases(names, mark);
    putBack();
    const target = page === "" ? null : document.getElementById(page);
    const view = target?.closest(".view") ?? find("#overview");
    if (view.id === "overview") {
      overview = location.hash || "#";
      recall(parameters);
    }
    show(view, view.id === "overview" ? title : find("h2", view).textContent + " · " + title);
    if (target && target !== view) target.scrollIntoView();
    else scrollTo({ top: 0, behavior: "instant" });
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

  /** Articles that stand in the document are borrowed, and put back where they were. */
  const homes = new Map();

  function putBack() {
    for (const child of [...place.children]) {
      if (homes.has(child)) homes.get(child).append(child);
      else child.remove();
    }
    homes.clear();
  }

  async function showCases(names, mark) {
    if (shown !== names) {
      const [id, agents] = names.split("@");
      const keys = agents === undefined ? [worst(id)] : agents.split("~");
      let articles;
      try {
        articles = (await Promise.all(keys.map((key) => article(id + "@" + key)))).filter(Boolean);
      } catch (error) {
        articles = [build(["p", { class: "notice" }, "This page cannot be unpacked: " + error.message])];
      }
      if (articles.length === 0) articles = [build(["p", { class: "notice" }, "There is no result for " + names + "."])];
      putBack();
      for (const one of articles) {
        if (one.parentElement) homes.set(one, one.parentElement);
        dress(one);
      }
      place.replaceChildren(...articles);
      place.classList.toggle("pair", articles.length > 1);
      if (articles.length === 2 && articles.every((one) => one.tagName === "ARTICLE")) place.prepend(together(...articles));
      show(place, (articles[0].dataset.title ?? names) + " · " + title);
      shown = names;
      main.focus({ preventScroll: true });
    }
    pointAt(mark);
  }

  /** One timeline of two articles: rows that tell the same stand side by side. */
  function together(a, b) {
    const told = (one) => findAll(".log tbody tr[id]:not(.octets)", one).map((row) => ({
      time: find(".ms", row).textContent,
      text: [...row.children].slice(2).map((cell) => cell.textContent.trim()).filter(Boolean).join(" ")
        .replace(" rule broken here", ""),
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
    const suffix = mark === undefined ? null : ":" + mark;
    const target = suffix && findAll("[id]", place).find((element) => element.id.endsWith(suffix));
    if (!target) return scrollTo({ top: 0, behavior: "instant" });
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.classList.add("target");
    return target.scrollIntoView({ block: "center" });
  }

  /** The agent to show if the address names none: one that failed, else the first. */
  function worst(id) {
    const row = rows.find((one) => one.dataset.id === id);
    const cells = row ? findAll("td[data-agent]", row) : [];
    return (cells.find((cell) => cell.classList.contains("v-fail")) ?? cells[0])?.dataset.agent ?? "";
  }

  // ---- What is added to a case --------------------------------------------------------------

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

  function dress(one) {
    if (one.dataset.dressed || one.tagName !== "ARTICLE") return;
    one.dataset.dressed = "yes";
    for (const text of findAll("pre.copy", one)) {
      const mark = document.createComment("");
      text.replaceWith(mark);
      mark.replaceWith(copyable(text));
    }
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

  // ---- Columns of the table -----------------------------------------------------------------

  const columns = () => findAll("thead [data-agent]", matrix).map((head) => head.dataset.agent);
  const COLUMNS = columns();
  let reference = "";

  function reorder(order) {
    const wanted = [...order.filter((key) => COLUMNS.includes(key)), ...COLUMNS.filter((key) => !order.includes(key))];
    if (wanted.join() === columns().join()) return;
    const before = columns();
    for (const row of findAll("tr", matrix)) {
      const cells = [...row.children].slice(1);
      row.append(...wanted.map((key) => cells[before.indexOf(key)]));
    }
  }

  function setReference(key) {
    reference = key;
    for (const row of rows) {
      const cells = findAll("td", row);
      const own = cells.find((cell) => cell.dataset.agent === key);
      for (const cell of cells) {
        cell.classList.toggle("reference", cell === own);
        cell.classList.toggle("same", own !== undefined && cell !== own && cell.dataset.status === own.dataset.status);
      }
    }
  }

  function columnMenu(head) {
    const key = head.dataset.agent;
    const menu = document.createElement("details");
    menu.className = "columns";
    const summary = document.createElement("summary");
    summary.textContent = "⋮";
    summary.setAttribute("aria-label", "column of " + find(".name", head).textContent);
    const box = document.createElement("div");
    const act = (text, change) => button(text, () => { menu.open = false; change(); remember(); filter(); });
    box.append(
      act("hide", () => { for (const cell of findAll("[data-agent]", matrix)) cell.hidden ||= cell.dataset.agent === key; }),
      act("move left", () => {
        const order = columns();
        const at = order.indexOf(key);
        if (at > 0) order.splice(at - 1, 2, key, order[at - 1]);
        reorder(order);
      }),
      act("compare with this", () => setReference(reference === key ? "" : key)),
      act("show all columns", () => { for (const cell of findAll("[data-agent]", matrix)) cell.hidden = false; }),
    );
    menu.append(summary, box);
    head.append(menu);
  }

  // ---- Theme, keys, start -------------------------------------------------------------------

  const THEMES = ["", "light", "dark"];

  function setTheme(theme) {
    if (theme && THEMES.includes(theme)) root.dataset.theme = theme;
    else delete root.dataset.theme;
    find("#theme").textContent = "theme: " + (root.dataset.theme ?? "auto");
  }

  /** Goes to the next or previous failure that the filter shows. */
  function step(way) {
    const links = rows.filter((row) => row.dataset.out !== "out").flatMap((row) => findAll("td.v-fail a", row));
    const addresses = links.map((link) => link.getAttribute("href"));
    if (addresses.length === 0) return;
    const here = addresses.indexOf("#" + shown);
    const next = here < 0 ? (way > 0 ? 0 : addresses.length - 1) : here + way;
    location.hash = addresses[(next + addresses.length) % addresses.length];
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    "/": () => { location.hash = overview; setTimeout(() => query.focus()); },
    f: () => { location.hash = overview; setTimeout(() => chip("fail")); },
    c: () => find(".again button", place)?.click(),
    "?": () => find("#keys").showModal(),
  };

  const fact = (name) => "status(" + name.replaceAll(" ", "-") + ")";

  /** Adds a verdict to the filter, or takes it out. */
  function chip(name) {
    const wanted = fact(name);
    const parts = query.value.split(/\s+or\s+/).filter(Boolean);
    const rest = parts.filter((part) => part !== wanted);
    query.value = (rest.length < parts.length ? rest : [...parts, wanted]).join(" or ");
    filter();
    remember();
  }

  function listen() {
    for (const input of [query, find("#only-differences"), find("#compact")]) {
      input.addEventListener("input", () => {
        matrix.classList.toggle("compact", find("#compact").checked);
        filter();
        remember();
      });
    }
    find("#chips").addEventListener("click", (event) => {
      const name = event.target.dataset.word;
      if (name) chip(name);
    });
    find("#theme").addEventListener("click", () => {
      setTheme(THEMES[(THEMES.indexOf(root.dataset.theme ?? "") + 1) % THEMES.length]);
      remember();
    });
    find("#help").addEventListener("click", () => find("#keys").showModal());
    document.addEventListener("keydown", (event) => {
      const busy = event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")
        || event.target.closest("input, textarea, select");
      if (busy || !find("#keys-on").checked || !Object.hasOwn(KEYS, event.key)) return;
      event.preventDefault();
      KEYS[event.key]();
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href='#']");
      if (!link) return;
      event.preventDefault();
      location.hash = overview;
      if (overview === "#") history.replaceState(null, "", location.pathname + location.search);
      route();
    });
    addEventListener("hashchange", route);
    // The browser's search found something in a part that is not shown.
    for (const view of findAll(".view")) view.addEventListener("beforematch", () => { location.hash = view.id; });
    // The browser itself scrolls to the part that the address names, once the page is there.
    addEventListener("load", () => { if (shown) pointAt(address()[0].split(":")[1]); });
  }

  for (const section of sections) {
    const fold = find(".fold", section);
    const act = button(fold.textContent, () => {
      act.setAttribute("aria-expanded", String(isFolded(section)));
      filter();
      remember();
    });
    fold.replaceChildren(act);
  }
  for (const head of findAll("thead [data-agent]", matrix)) if (COLUMNS.length > 1) columnMenu(head);
  find("#filter").hidden = false;
  find("#tools").hidden = false;
  if (COLUMNS.length < 2) find("#only-differences").closest("label").hidden = true;
  if (COLUMNS.length > 20 && !location.hash.includes("?")) history.replaceState(null, "", "#?differences=1");
  listen();
  route();
})();
