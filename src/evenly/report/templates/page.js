
"use strict";
(() => {
  const table = document.getElementById("label-table");
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const collator = new Intl.Collator(undefined, { numeric: true });
  const rows = Array.from(body.rows, (row) => ({
    row,
    name: fold(row.cells[0].textContent),
    texts: Array.from(row.cells, (cell) => cell.textContent),
    values: Array.from(row.cells, (cell) => ("v" in cell.dataset ? Number(cell.dataset.v) : null)),
  }));

  function fold(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  // What has no value stands last in both directions.
  function compare(a, b, at, sign, numeric) {
    if (!numeric) return sign * collator.compare(a.texts[at], b.texts[at]);
    const [x, y] = [a.values[at], b.values[at]];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (x - y);
  }

  function sortBy(at) {
    const numeric = rows.some((each) => each.values[at] !== null);
    const now = heads[at].getAttribute("aria-sort");
    const next = now ? (now === "descending" ? "ascending" : "descending") : numeric ? "descending" : "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[at].setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    rows.sort((a, b) => compare(a, b, at, sign, numeric));
    body.append(...rows.map((each) => each.row));
  }

  const form = document.getElementById("label-filter");
  const wanted = document.getElementById("filter-name");
  const group = document.getElementById("filter-group");
  const count = document.getElementById("filter-count");

  function filter() {
    const name = fold(wanted.value.trim());
    let shown = 0;
    for (const each of rows) {
      const keep = each.name.includes(name) && (!group || !group.value || each.texts[1] === group.value);
      each.row.hidden = !keep;
      shown += keep;
    }
    const total = rows.length.toLocaleString("en");
    count.textContent = shown === rows.length ? `${total} labels` : `${shown.toLocaleString("en")} of ${total} labels`;
  }

  heads.forEach((head, at) => head.firstElementChild.addEventListener("click", () => sortBy(at)));
  wanted.addEventListener("input", filter);
  if (group) group.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();

// The entry of the contents that is being read is marked.
(() => {
  const links = new Map(Array.from(document.querySelectorAll(".toc a"), (link) => [link.hash.slice(1), link]));
  const list = document.querySelector(".toc ul");
  const sections = Array.from(document.querySelectorAll("main > section"));
  function mark() {
    const line = window.innerHeight / 3;
    const current = sections.filter((section) => section.getBoundingClientRect().top < line).pop() || sections[0];
    const marked = links.get(current.id);
    if (marked.hasAttribute("aria-current")) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    marked.setAttribute("aria-current", "true");
    list.scrollLeft = marked.offsetLeft - list.clientWidth / 3;
  }
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  mark();
})();
