"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const form = document.getElementById("filters");
  const search = document.getElementById("search");

  const chosen = () => new Set([...form.querySelectorAll("input[name=framework]:checked")].map((one) => one.value));

  // Only what has a framework is filtered; a figure's own data keeps its order.
  const kept = (values, names) => values.filter((one) => !one.framework || one.framework === "reference" || names.has(one.framework));

  function draw() {
    const names = chosen();
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = figures.specs[place.dataset.figure];
      const spec = {
        ...figure,
        data: { values: kept(figure.data.values, names) },
        config: figures.themes[dark.matches ? "dark" : "light"],
      };
      window.vegaEmbed(place, spec, { actions: false, renderer: "svg", tooltip: true }).catch((error) => {
        place.textContent = `This figure could not be drawn: ${error.message}`;
      });
    }
  }

  function filter() {
    const names = chosen();
    const text = search.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("tbody tr")) {
      const other = row.dataset.framework && !names.has(row.dataset.framework);
      row.hidden = other || (text !== "" && !row.textContent.toLowerCase().includes(text));
    }
  }

  const number = (cell) => {
    const found = cell.textContent.replaceAll(",", "").match(/-?\d+(\.\d+)?(e[+-]?\d+)?/i);
    return found ? Number(found[0]) : Number.NaN;
  };

  function compare(one, other, column) {
    const [a, b] = [one.cells[column], other.cells[column]];
    const [x, y] = [number(a), number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.textContent.localeCompare(b.textContent) : x - y;
  }

  for (const heading of document.querySelectorAll("thead th")) {
    heading.querySelector("button").addEventListener("click", () => {
      const body = heading.closest("table").tBodies[0];
      const rising = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => compare(a, b, heading.cellIndex) * (rising ? 1 : -1));
      body.append(...rows);
    });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => { filter(); draw(); });
  search.addEventListener("input", filter);
  dark.addEventListener("change", draw);
  draw();
})();
