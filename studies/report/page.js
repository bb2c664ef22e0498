"use strict";
(() => {
  // The page is there at once; plotly, a few megabytes, is read after the first paint, and each picture is drawn when it
  // comes near the window.
  const config = JSON.parse(document.getElementById("plot-config").textContent);
  const waiting = new Map();
  for (const spec of document.querySelectorAll("script[data-plot]")) {
    waiting.set(document.getElementById(spec.dataset.plot), spec);
  }
  let brushing = null;  // comes with the parallel coordinates
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
    const drawn = Plotly.newPlot(place, data, layout, config);
    if (place.id === "plot-parallel") brushing = drawn.then(() => useParallel(place, showLeft));
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

  // The table shows the runs whose lines the parallel coordinates have left, and a pressed run is picked out of them.
  const told = document.getElementById("left");
  const rows = [...document.querySelectorAll("#trials tbody tr")];
  const showLeft = ({ left, all, picked }) => {
    const kept = new Set(left);
    for (const row of rows) {
      row.hidden = left.length < all && !kept.has(row.dataset.run);
      row.classList.toggle("picked", row.dataset.run === picked);
      row.querySelector("button")?.setAttribute("aria-pressed", row.dataset.run === picked);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    const chosen = rows.find((row) => row.dataset.run === picked);
    const words = shown < rows.length ? [`${shown} of ${rows.length} runs are left by the parallel coordinates.`] : [];
    if (chosen !== undefined) {
      words.push(`Picked: ${chosen.querySelector("button").textContent}.`);
      bringIn(chosen);
    }
    told.firstElementChild.textContent = words.join(" ");
    told.hidden = words.length === 0;
  };
  const bringIn = (row) => {  // into the table's own window; the page stays where it is
    const box = row.closest(".runs");
    const top = row.offsetTop - box.scrollTop;
    if (top < row.offsetHeight || top > box.clientHeight - row.offsetHeight) {
      box.scrollTop = row.offsetTop - box.clientHeight / 2;
    }
  };
  told?.querySelector("button").addEventListener("click", async () => (await brushing).showAll());
  for (const row of rows.filter((each) => each.querySelector("button"))) {
    row.addEventListener("click", async () => {
      if (String(getSelection())) return;  // text has been marked, to be copied
      const place = document.getElementById("plot-parallel");
      draw(place);
      (await brushing).pick(row.dataset.run);
      place.scrollIntoView({ block: "nearest" });
    });
  }

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
