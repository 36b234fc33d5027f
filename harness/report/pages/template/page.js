"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("page-figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const form = document.getElementById("page-filters");
  const search = document.getElementById("page-search");

  const WHAT = ["framework", "method", "track", "machine"];

  // By what it is about: the values that are asked for; nothing where the page has no choice.
  function chosen() {
    const asked = {};
    for (const what of WHAT) {
      const boxes = [...form.querySelectorAll(`input[name=${what}]`)];
      if (boxes.length) asked[what] = new Set(boxes.filter((one) => one.checked).map((one) => one.value));
    }
    return asked;
  }

  // What is about nothing in particular stays.
  const isAsked = (about, asked) => WHAT.every((what) => !about[what] || !asked[what] || asked[what].has(about[what]));

  function aboutOf(value) {
    const [method, track] = value.section ? value.section.split(", ") : [value.method, value.track];
    const framework = value.framework === "reference" ? "" : value.framework;
    return { framework, method, track: value.section ? track || "parity" : track };
  }

  function draw() {
    const asked = chosen();
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = figures.specs[place.dataset.figure];
      const spec = {
        ...figure,
        data: { values: figure.data.values.filter((one) => isAsked(aboutOf(one), asked)) },
        config: figures.themes[dark.matches ? "dark" : "light"],
      };
      window.vegaEmbed(place, spec, { actions: false, renderer: "svg", tooltip: true }).then(
        // The group around it has the label; what it shows is in the tables.
        () => place.setAttribute("aria-hidden", "true"),
        (error) => {
          place.textContent = `This figure could not be drawn: ${error.message}`;
        },
      );
    }
  }

  function filter() {
    const asked = chosen();
    const text = search.value.trim().toLowerCase();
    for (const part of document.querySelectorAll("main section, main div[data-method], main div[data-machine], tbody[data-method]")) {
      part.hidden = !isAsked(part.dataset, asked);
    }
    for (const row of document.querySelectorAll("tbody tr:not(.group)")) {
      row.hidden = !isAsked(row.dataset, asked) || (text !== "" && !row.textContent.toLowerCase().includes(text));
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

  // Rows stay in their group.
  for (const heading of document.querySelectorAll("thead th")) {
    heading.querySelector("button").addEventListener("click", () => {
      const rising = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      for (const body of heading.closest("table").tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
        body.append(...rows.sort((a, b) => compare(a, b, heading.cellIndex) * (rising ? 1 : -1)));
      }
    });
  }

  // A link to what is folded opens it.
  function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let around = target; around; around = around.parentElement) {
      if (around instanceof HTMLDetailsElement) around.open = true;
    }
    for (const part of target.querySelectorAll(":scope > details.part")) part.open = true;
    target.scrollIntoView();
  }

  // On a narrow screen the contents begin closed.
  if (window.matchMedia("(max-width: 70rem)").matches) document.querySelector(".contents").open = false;

  window.addEventListener("hashchange", open);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => { filter(); draw(); });
  search.addEventListener("input", filter);
  dark.addEventListener("change", draw);
  draw();
  open();
})();
