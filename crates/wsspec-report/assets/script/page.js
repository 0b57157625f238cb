// The page works without this script; with it, parts are shown one at a time, cases can be filtered
// and compared, and the pages that are packed in blocks of data are unpacked.
// Elements are built one by one from a fixed list; no string is ever parsed as markup.

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
// Every cell of the table knows its implementation.
const agents = findAll("thead th[data-agent]", matrix).map((head) => head.dataset.agent);
for (const row of findAll("tbody tr", matrix)) {
  findAll("td", row).forEach((cell, at) => { cell.dataset.agent = agents[at]; });
}
