"use strict";
(() => {
  // The page is there at once; plotly, a few megabytes, is read after the first paint, and each picture is drawn when it
  // comes near the window.
  const config = JSON.parse(document.getElementById("plot-config").textContent);
  const waiting = new Map();
  for (const spec of document.querySelectorAll("script[data-plot]")) {
    waiting.set(document.getElementById(spec.dataset.plot), spec);
  }
  const readPlotly = () => {
    if (window.Plotly !== undefined) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  };
  const draw = (place) => {
    const spec = waiting.get(place);
    if (spec === undefined) return;
    waiting.delete(place);
    readPlotly();
    const { data, layout } = JSON.parse(spec.textContent);
    Plotly.newPlot(place, data, layout, config);
  };
  const drawWhenNear = () => {
    const nearby = new IntersectionObserver((seen) => {
      for (const each of seen.filter((one) => one.isIntersecting)) {
        nearby.unobserve(each.target);
        draw(each.target);
      }
    }, { rootMargin: "600px" });
    for (const place of waiting.keys()) nearby.observe(place);
  };
  requestAnimationFrame(() => setTimeout(drawWhenNear));
  window.addEventListener("beforeprint", () => [...waiting.keys()].forEach(draw));

  // Sorting: numbers as numbers, cells without a key last whichever way; equal rows keep their order.
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const sort = (table, column, way) => {
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [row, row.cells[column].dataset.key]);
    keyed.sort(([, a], [, b]) => {
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return way * compare(a, b);
    });
    body.append(...keyed.map(([row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, ascending ? 1 : -1);
      });
    });
  }

  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copies);
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      } catch {
        getSelection().selectAllChildren(text);  // no clipboard here: marked, to be copied by hand
      }
    });
  }
})();
