// What the page shows: runs side by side, or a plan.

const run = JSON.parse(document.getElementById("run").textContent);

/** No chart here has the time of a run as its axis. */
const spanS = 0;

/** How each protocol looks, wherever it is drawn: never by color alone. */
const LOOKS = {
  flood: { color: "type-3", dash: [2, 3], width: 2, mark: "triangle" },
  tree: { color: "type-2", dash: [8, 4], width: 2, mark: "square" },
  gossip: { color: "type-1", dash: [9, 3, 2, 3], width: 2, mark: "cross" },
  hybrid: { color: "type-0", width: 3, mark: "circle" },
};
const lookOf = (strategy) => LOOKS[strategy] || { color: "type-7", width: 2, mark: "circle" };

/** Which of the protocols are shown in the charts; all charts share it. */
const hidden = new Set();

/** A legend for all charts of a section, whose entries hide and show a protocol in each of them. */
function sharedLegend(strategies, changed) {
  const list = el("ul", { class: "legend", "aria-label": "Protocols" });
  const fill = () => list.replaceChildren(...strategies.map((strategy) => {
    const button = el("button", { type: "button", "aria-pressed": String(!hidden.has(strategy)), title: `Show or hide: ${strategy}` }, swatch({ ...lookOf(strategy), mark: null }), strategy);
    button.addEventListener("click", () => {
      if (!hidden.delete(strategy)) hidden.add(strategy);
      fill();
      list.querySelector(`[title="${button.title}"]`).focus();
      changed();
    });
    return el("li", {}, button);
  }));
  fill();
  onTheme(fill);
  return list;
}

/** A control with its name before it. */
const labelled = (name, control) => el("label", {}, name, control);

/** A choice of several; `changed` is told the place of the one chosen. */
function choice(options, chosen, changed) {
  const made = el("select", {}, options.map((text, place) => el("option", { value: place, selected: place === chosen }, text)));
  made.addEventListener("change", () => changed(Number(made.value)));
  return made;
}
