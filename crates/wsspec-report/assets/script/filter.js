// The filter over the table of cases; the language is that of the command line.

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
/** The verdict of a cell; most are in order. */
const status = (cell) => cell.dataset.status ?? "pass";
const matches = (argument, value) => {
  const pattern = glob(argument);
  return (value ?? "").split(" ").some((part) => pattern.test(part));
};
/** What may be asked for; a word that is misspelt finds nothing, and would look like a result. */
const oneOf = (words, argument, hint) => {
  if (!words.includes(argument)) throw new Error(hint);
};
const VERDICTS = findAll("#chips .chip").map((chip) => chip.dataset.word);
const STANDINGS = ["expected", "unexpected", "known", "fixed", "flaky"];
/** Whether the columns that are shown have different verdicts. */
const differs = (row) => new Set(findAll("td", row).filter((cell) => !cell.hidden).map(status)).size > 1;
/** What can be asked about a row and one of its cells. */
const FACTS = {
  id: (argument) => (row) => matches(argument, row.dataset.id),
  slug: (argument) => (row) => matches(argument, find(".slug", row).textContent),
  section: (argument) => {
    if (!/^\d+$/.test(argument)) throw new Error("a section is a number, as in section(5)");
    return (row) => row.parentElement.dataset.section === argument;
  },
  level: (argument) => {
    const level = argument.toUpperCase();
    oneOf(["MUST", "SHOULD", "MAY"], level, "a level is must, should or may");
    return (row) => row.dataset.level === level;
  },
  rfc: (argument) => {
    if (!/^\d+#/.test(argument)) throw new Error("a clause is written rfc(6455#5.4)");
    return (row) => row.dataset.rfc.split(" ").some((clause) => clause === argument || clause.startsWith(argument + "."));
  },
  status: (argument) => {
    oneOf(VERDICTS, argument, "status() takes a verdict: " + VERDICTS.join(", "));
    return (_, cell) => status(cell) === argument;
  },
  outcome: (argument) => {
    oneOf(STANDINGS, argument, "outcome() takes one of: " + STANDINGS.join(", "));
    return (_, cell) => (cell.dataset.outcome ?? "expected") === argument;
  },
  agent: (argument) => (_, cell) => matches(argument, cell.dataset.agent),
  differs: (argument) => {
    oneOf([""], argument, "differs() has no argument");
    return differs;
  },
  set: (argument) => (row) => matches(argument.replace(/^@/, ""), row.dataset.sets),
  tag: (argument) => (row) => matches(argument, row.dataset.tags),
  since: (argument) => {
    const [, major, minor] = /^(\d+)\.(\d+)$/.exec(argument) ?? [];
    if (major === undefined) throw new Error("a version is written as in since(0.1)");
    // All cases came with version 0.1.
    return () => Number(major) === 0 && Number(minor) <= 1;
  },
  needs: (argument) => {
    oneOf(["deflate", "tls", "client", "server"], argument, "needs() takes deflate, tls, client or server");
    return (row) => matches(argument, row.dataset.needs);
  },
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
  const slug = find(".slug", row);
  const texts = [row.dataset.id, slug.textContent, slug.title, row.dataset.rfc, row.dataset.cause ?? "", row.dataset.level,
    cell.dataset.agent, cell.textContent];
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
    for (const [name, { page }] of await unpack(block)) {
      found[name] = [...page.matchAll(/<pre>([^<]*)<\/pre>/g)].map(([, head]) => plain(head)).join("\n").toLowerCase();
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
    if (token === undefined || token === ")") throw new Error("something is missing at the end");
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
