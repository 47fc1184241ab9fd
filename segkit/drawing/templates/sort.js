/* A heading sorts its table by its column: up, then down, then as it was. Cells that the page says
   the number of are compared by it, and stand above those without; all else is compared as words. */
const words = new Intl.Collator("en", { numeric: true });
const next = { ascending: "descending", descending: "none" };
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], rows = [...body.rows], headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const order = sign => (one, other) => {
      const [a, b] = [one.cells[column], other.cells[column]];
      const [x, y] = [parseFloat(a.dataset.sort), parseFloat(b.dataset.sort)];
      if (!isNaN(x) && !isNaN(y)) return sign * (x - y);
      return isNaN(x) - isNaN(y) || sign * words.compare(a.textContent, b.textContent);
    };
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const way = next[heading.getAttribute("aria-sort")] ?? "ascending";
      headings.forEach(each => each.removeAttribute("aria-sort"));
      if (way !== "none") heading.setAttribute("aria-sort", way);
      const sign = way === "ascending" ? 1 : -1;
      body.append(...(way === "none" ? rows : [...rows].sort(order(sign))));
    });
  });
}
