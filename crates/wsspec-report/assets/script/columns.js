// The columns of the table of cases.

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

/** In each section the rows that differ come first if that is wanted, else the order of the ids. */
function sortRows() {
  const first = find("#differing-first").checked;
  for (const section of sections) {
    const own = rows.filter((row) => row.parentElement === section);
    const differing = new Set(first ? own.filter(differs) : []);
    const wanted = [...differing, ...own.filter((row) => !differing.has(row))];
    if (wanted.some((row, at) => row !== section.rows[at + 1])) section.append(...wanted);
  }
}

function setReference(key) {
  reference = key;
  for (const row of rows) {
    const cells = findAll("td", row);
    const own = cells.find((cell) => cell.dataset.agent === key);
    for (const cell of cells) {
      cell.classList.toggle("reference", cell === own);
      cell.classList.toggle("same", own !== undefined && cell !== own && status(cell) === status(own));
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
  const act = (text, change) => button(text, () => { menu.open = false; change(); sortRows(); remember(); filter(); });
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
