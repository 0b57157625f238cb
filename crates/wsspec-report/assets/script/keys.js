// Theme, keys, and the start of it all.

const THEMES = ["", "light", "dark"];

function setTheme(theme) {
  if (theme && THEMES.includes(theme)) root.dataset.theme = theme;
  else delete root.dataset.theme;
  find("#theme").textContent = "theme: " + (root.dataset.theme ?? "auto");
}

const failures = (within) => within.flatMap((row) => findAll("td.v-fail", row));
const linkOf = (cell) => find("a", cell).getAttribute("href");

/** Goes to the next or previous failure that the filter shows; to one that the baseline knows only if there is no other. */
function step(way, known = false) {
  const cells = failures(rows.filter((row) => row.dataset.out !== "out"));
  const news = cells.filter((cell) => cell.dataset.outcome !== "known");
  const all = cells.map(linkOf);
  const wanted = known || news.length === 0 ? all : news.map(linkOf);
  const here = all.indexOf("#" + shown);
  const from = here < 0 && way < 0 ? 0 : here;
  const around = all.map((_, n) => all[(from + way * (n + 1) + all.length * 2) % all.length]);
  const next = around.find((address) => wanted.includes(address));
  if (next) location.hash = next;
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  J: () => step(1, true),
  K: () => step(-1, true),
  "/": () => { location.hash = overview; setTimeout(() => query.focus()); },
  f: () => { location.hash = overview; setTimeout(onlyFailures); },
  c: () => find(".again button", place)?.click(),
  "?": () => find("#keys").showModal(),
};

// Where nothing failed no key leads there, and the help tells of none.
if (failures(rows).length === 0) for (const key of "jkJKf") delete KEYS[key];

const keysOn = find("#keys-on");
/** Who switched the keys off does not want them back with the next report. A browser may refuse to store anything. */
function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

const fact = (name) => "status(" + name + ")";

/** Adds verdicts to the filter, or takes them out if all are there. */
function chip(...names) {
  const wanted = names.map(fact);
  const parts = query.value.split(/\s+or\s+/).filter(Boolean);
  const rest = parts.filter((part) => !wanted.includes(part));
  query.value = (parts.length - rest.length === wanted.length ? rest : [...rest, ...wanted]).join(" or ");
  filter();
  remember();
}

/** All verdicts that count as failures, as far as there are any: a crash and a timeout, too. */
function onlyFailures() {
  const chips = findAll("#chips .v-fail:enabled");
  chip(...chips.map((one) => one.dataset.word));
  chips[0].focus();
}

function listen() {
  for (const input of [query, find("#only-differences"), find("#differing-first"), find("#compact")]) {
    input.addEventListener("input", () => {
      matrix.classList.toggle("compact", find("#compact").checked);
      sortRows();
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
  keysOn.addEventListener("input", () => stored((store) => store.setItem("wsspec-keys", keysOn.checked ? "on" : "off")));
  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")
      || event.target.closest("input, textarea, select");
    if (busy || !keysOn.checked || !Object.hasOwn(KEYS, event.key)) return;
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
  // An event of a details element does not bubble.
  let toggled;
  place.addEventListener("toggle", (event) => {
    if (!event.target.matches("details.block")) return;
    clearTimeout(toggled);
    toggled = setTimeout(remember);
  }, true);
  addEventListener("hashchange", route);
  // The browser's search found something in a part that is not shown. It also says so of what the address names.
  for (const view of findAll(".view")) {
    view.addEventListener("beforematch", () => {
      if (!view.contains(document.getElementById(address()[0]))) location.hash = view.id;
    });
  }
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
keysOn.checked = stored((store) => store.getItem("wsspec-keys")) !== "off";
find("#filter").hidden = false;
find("#tools").hidden = false;
if (COLUMNS.length < 2) for (const box of ["#only-differences", "#differing-first"]) find(box).closest("label").hidden = true;
if (COLUMNS.length > 20 && !location.hash.includes("?")) history.replaceState(null, "", "#?differences=1");
listen();
// On the page of a case, too, the overview behind it is in the state that the address tells.
recall(address()[1]);
route();
