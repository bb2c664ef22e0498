"use strict";
// Parallel coordinates that can be used: they tell which runs are left on the axes, show the settings of the line under
// the mouse, and draw one line that is picked. Plotly itself draws and selects.
//
// plot: the element that plotly has drawn. Its trace has `ids` (of the runs), `customdata` (label, bpb and all of the
// settings of each) and `meta` (`picked` and `faint`, places on the colour axis).
// heard: called at once and after each change with { left, all, picked, facts }: ids, how many lines there are, an id
// or null, and a map from ids to customdata.
const useParallel = (plot, heard) => {
  const CLICK = 0.004;  // of an axis of numbers: what plotly selects around a click is thinner than this
  const { picked: strong, faint } = plot.data[0].meta;
  const copy = ({ ids, customdata, dimensions, line }) => structuredClone({ ids, customdata, dimensions, line });
  const first = copy(plot.data[0]);
  const colours = new Map(first.ids.map((id, index) => [id, first.line.color[index]]));
  const facts = new Map(first.ids.map((id, index) => [id, first.customdata[index]]));
  let picked = null;

  const spans = ({ constraintrange: found }) => (!found ? [] : Array.isArray(found[0]) ? found : [found]);
  const left = () => {
    const { ids, dimensions } = plot.data[0];
    const brushed = dimensions.filter((axis) => spans(axis).length > 0);
    const within = (axis, value) => spans(axis).some(([low, high]) => low <= value && value <= high);
    return ids.filter((_, line) => brushed.every((axis) => within(axis, axis.values[line])));
  };

  // A click is meant to take an axis's selection away; plotly selects what lies exactly there.
  const forgetClicks = () => {
    const thin = (axis) => spans(axis).some(([low, high]) => high - low < CLICK * (axis.range[1] - axis.range[0]));
    const clicked = [...plot.data[0].dimensions.entries()].filter(([, axis]) => thin(axis));
    return Object.fromEntries(clicked.map(([index]) => [`dimensions[${index}].constraintrange`, null]));
  };
  // The picked line is alone in its colour; without one, or where it is not drawn, each has its own.
  const paint = () => {
    const { ids, line } = plot.data[0];
    const own = !ids.includes(picked);
    const wanted = ids.map((id) => (own ? colours.get(id) : id === picked ? strong : faint));
    return wanted.every((colour, index) => colour === line.color[index]) ? {} : { "line.color": [wanted] };
  };
  const follow = () => {
    const changes = { ...forgetClicks(), ...paint() };
    if (Object.keys(changes).length > 0) return Plotly.restyle(plot, changes, [0]);  // and is heard of again
    return heard({ left: left(), all: first.ids.length, picked, facts });
  };
  const pick = (id) => {
    picked = id === picked ? null : id;
    follow();
  };
  const showAll = () => {
    picked = null;
    const { ids, customdata, dimensions, line } = structuredClone(first);
    const lines = { ids: [ids], customdata: [customdata], dimensions: [dimensions], "line.color": [line.color] };
    Plotly.update(plot, lines, plot.layout.updatemenus ? { "updatemenus[0].active": 0 } : {}, [0]);
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  let touched = null;
  plot.on("plotly_hover", ({ curveNumber, clientX, clientY }) => {
    touched = plot.data[0].ids[curveNumber];
    tip.textContent = plot.data[0].customdata[curveNumber][2];
    tip.hidden = false;
    tip.style.left = `${Math.min(clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  });
  const letGo = () => {
    touched = null;
    tip.hidden = true;
  };
  plot.on("plotly_unhover", letGo);
  plot.addEventListener("mouseleave", letGo);
  plot.addEventListener("click", (event) => {
    if (touched !== null && event.target.tagName === "CANVAS") pick(touched);
  });

  for (const change of ["plotly_restyle", "plotly_update"]) plot.on(change, follow);
  follow();
  return { pick, showAll };
};

// The same with a line of text in `place`: which runs are left, the best first, and what the picked one is.
const listBelow = (plot, place) => useParallel(plot, ({ left, all, picked, facts }) => {
  const MOST = 12;
  const best = left.map((id) => facts.get(id)).sort(([, a], [, b]) => a - b);
  const named = best.slice(0, MOST).map(([label, bpb]) => `${label} (${bpb})`).join(", ");
  const more = best.length > MOST ? ` and ${best.length - MOST} more` : "";
  const told = [`${left.length === all ? "All" : `${left.length} of`} ${all} are left${named && `: ${named}`}${more}.`];
  if (picked !== null) told.push(`Picked: ${facts.get(picked)[2].split("\n").join(", ")}.`);
  place.textContent = told.join(" ");
});
