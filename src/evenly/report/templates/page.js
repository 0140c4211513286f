
"use strict";
// The table of labels: sorted, filtered and paged from the JSON beside it; a page of rows is in the document at a time.
(() => {
  const { page: size, kinds, rows } = JSON.parse(document.getElementById("label-data").textContent);
  const table = document.getElementById("label-table");
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const collator = new Intl.Collator(undefined, { numeric: true });
  const folded = rows.map((row) => fold(row[0]));
  const group = document.getElementById("filter-group");
  const groupAt = kinds.indexOf("text");
  const numeric = kinds.map((kind) => kind !== "name" && kind !== "text");
  let order = rows.map((_, at) => at);
  let shown = order;
  let first = 0;

  function fold(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function worth(value) {
    return Array.isArray(value) ? value[1] - value[0] : value;
  }

  // Halves are rounded as Python rounds them, so that a row looks the same whoever wrote it.
  const formats = [1, 2, 3].map((places) => {
    const ends = { minimumFractionDigits: places, maximumFractionDigits: places };
    return new Intl.NumberFormat("en", { ...ends, roundingMode: "halfEven" });
  });

  function digits(value, places) {
    return formats[places - 1].format(value);
  }

  const shownAs = {
    number: (value) => value.toLocaleString("en"),
    ratio: (value) => digits(value, 1),
    score: (value) => (Number.isInteger(value) && value > 1 ? value.toLocaleString("en") : digits(value, 3)),
    span: ([low, high]) => `${digits(low, 2)}\u2013${digits(high, 2)}`,
    bar: (value) => digits(value, 3),
    share: (value) => `${digits(100 * value, 1)}\u00a0%`,
  };

  function cell(value, kind) {
    const made = document.createElement(kind === "name" ? "th" : "td");
    if (kind === "name") {
      made.scope = "row";
      made.appendChild(document.createElement("bdi")).textContent = value;
      return made;
    }
    const text = value === null ? "\u2013" : shownAs[kind] ? shownAs[kind](value) : value;
    if (value !== null && kind !== "text") made.dataset.v = worth(value);
    if (kind === "bar" || kind === "share") {
      const bar = made.appendChild(document.createElement("span"));
      bar.className = "bar model";
      bar.style.setProperty("--v", value ?? 0);
      bar.appendChild(document.createElement("span")).textContent = text;
    } else {
      if (kind !== "text") made.className = "num";
      made.textContent = text;
    }
    return made;
  }

  const pager = document.getElementById("label-pager");
  const [back, on] = ["page-back", "page-on"].map((id) => document.getElementById(id));

  function show() {
    const last = Math.min(first + size, shown.length);
    const made = shown.slice(first, last).map((at) => {
      const row = document.createElement("tr");
      row.append(...rows[at].map((value, column) => cell(value, kinds[column])));
      return row;
    });
    body.replaceChildren(...made);
    pager.hidden = shown.length <= size;
    back.disabled = first === 0;
    on.disabled = last === shown.length;
    const [from, to, of] = [first + 1, last, shown.length].map((each) => each.toLocaleString("en"));
    document.getElementById("page-shown").textContent = `${from} to ${to} of ${of}`;
  }

  function turn(by) {
    first = Math.max(0, first + by);
    show();
    table.parentElement.scrollTop = 0;
  }

  // What has no value stands last in both directions.
  function compare(a, b, at, sign) {
    const [x, y] = [worth(rows[a][at]), worth(rows[b][at])];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (numeric[at] ? x - y : collator.compare(x, y));
  }

  function sortBy(at) {
    const now = heads[at].getAttribute("aria-sort");
    const next = now ? (now === "descending" ? "ascending" : "descending") : numeric[at] ? "descending" : "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[at].setAttribute("aria-sort", next);
    order.sort((a, b) => compare(a, b, at, next === "ascending" ? 1 : -1));
    filter();
  }

  const form = document.getElementById("label-filter");
  const wanted = document.getElementById("filter-name");

  function filter() {
    const name = fold(wanted.value.trim());
    shown = order.filter(
      (at) => folded[at].includes(name) && (!group || !group.value || rows[at][groupAt] === group.value),
    );
    const total = rows.length.toLocaleString("en");
    document.getElementById("filter-count").textContent =
      shown.length === rows.length ? `${total} labels` : `${shown.length.toLocaleString("en")} of ${total} labels`;
    first = 0;
    show();
  }

  heads.forEach((head, at) => head.firstElementChild.addEventListener("click", () => sortBy(at)));
  wanted.addEventListener("input", filter);
  if (group) group.addEventListener("change", filter);
  back.addEventListener("click", () => turn(-size));
  on.addEventListener("click", () => turn(size));
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
