"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const form = document.getElementById("filters");
  const search = document.getElementById("search");

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
    for (const part of document.querySelectorAll("main section, main div[data-method], main div[data-machine]")) {
      part.hidden = !isAsked(part.dataset, asked);
    }
    for (const row of document.querySelectorAll("tbody tr")) {
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

  // A link to what is folded opens it.
  function open() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
    }
  }

  window.addEventListener("hashchange", open);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => { filter(); draw(); });
  search.addEventListener("input", filter);
  dark.addEventListener("change", draw);
  draw();
  open();
})();
