// Charts with uPlot: one look, one legend, one kind of tooltip, and one axis of time for all that
// have one.

const AXIS_WIDTH = 66;
const MARKS = {
  circle: (path, x, y, r) => { path.moveTo(x + r, y); path.arc(x, y, r, 0, 7); },
  square: (path, x, y, r) => path.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
  triangle: (path, x, y, r) => { path.moveTo(x, y - r * 1.2); path.lineTo(x + r * 1.1, y + r * 0.8); path.lineTo(x - r * 1.1, y + r * 0.8); path.closePath(); },
  cross: (path, x, y, r) => { path.moveTo(x - r, y - r); path.lineTo(x + r, y + r); path.moveTo(x + r, y - r); path.lineTo(x - r, y + r); },
};

/** The charts that share the axis of time, and what of it they show, in seconds. */
const timeCharts = [];
const timeListeners = [];
let timeRange = [0, spanS];
let isSettingTime = false;

/** Shows this stretch of the run in all charts over time. */
function setTime(from, to) {
  const length = Math.min(Math.max(to - from, spanS / 5000), spanS);
  const start = Math.min(Math.max(from, 0), spanS - length);
  timeRange = [start, start + length];
  isSettingTime = true;
  for (const chart of timeCharts) chart.setScale("x", { min: timeRange[0], max: timeRange[1] });
  isSettingTime = false;
  for (const listener of timeListeners) listener();
}
const resetTime = () => setTime(0, spanS);
const zoomTime = (factor, center) => {
  const middle = center ?? (timeRange[0] + timeRange[1]) / 2;
  setTime(middle - (middle - timeRange[0]) * factor, middle + (timeRange[1] - middle) * factor);
};
const panTime = (share) => {
  const by = (timeRange[1] - timeRange[0]) * share;
  setTime(timeRange[0] + by, timeRange[1] + by);
};

const tickSeconds = (u, splits) => splits.map((s) => (s === null ? "" : `${+s.toFixed(4)} s`));
const tickMs = (u, splits) => splits.map((v) => (v === null ? "" : v >= 1000 ? `${+(v / 1000).toFixed(3)} s` : `${+v.toFixed(3)} ms`));
const tickNumber = (u, splits) => splits.map((v) => (v === null ? "" : Math.abs(v) >= 10000 ? compacted.format(v) : grouped.format(v)));
const tickPercent = (u, splits) => splits.map((v) => (v === null ? "" : `${+(v * 100).toFixed(1)} %`));

function axis(props) {
  return {
    stroke: () => color("text-2"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: () => color("grid"), width: 1 },
    ticks: { show: false },
    gap: 7,
    ...props,
  };
}

/** Of a scale of powers of ten, only these have grid lines. */
const onlyPowers = (u, splits) => splits.map((value) => (value > 0 && Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
const powerGrid = { stroke: () => color("grid"), width: 1, filter: onlyPowers };

/**
 * The ticks of a scale of powers of ten, wherever it begins: at the powers, at twice and five times
 * them where there is room, and at round numbers where it is short.
 */
function roundSplits(u, index, min, max) {
  const ratio = max / min;
  const room = u.bbox.width / devicePixelRatio / 60;
  const digits = 3 * Math.log10(ratio) > room ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(min)); power <= max; power *= 10) {
    ticks.push(...digits.map((digit) => digit * power).filter((tick) => tick >= min && tick <= max));
  }
  if (ratio >= 10 || ticks.length > 2) return ticks;
  const least = (max - min) / 6;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((digit) => digit * power >= least) ?? 10);
  const first = Math.ceil(min / step);
  return Array.from({ length: Math.floor(max / step) - first + 1 }, (_, place) => (first + place) * step);
}

/** An axis with these ticks, all of which are written. */
const roundAxis = { splits: roundSplits, filter: (u, splits) => splits };

/** A scale of powers of ten from `floor` on. What is below stands at the floor. */
function logScale(floor, top) {
  return { distr: 3, range: () => [floor, Math.max(floor * 10, top * 1.15)] };
}

/**
 * A chart in a panel. `spec`: title, note, label, height, data, x, y ({axis, scale}), series
 * ({name, mark, color, width, dash, fill, points}), bands, isTime, paint ({under, over}),
 * tip(u, left, top) giving {title, rows, note} or nothing, choices for a switch.
 */
function chart(holder, spec) {
  const plot = el("div", { class: "plot", tabindex: "0", role: "figure", "aria-label": `${spec.title}: ${spec.label || spec.note || ""}` });
  const side = el("div", { class: "side" });
  const legend = el("ul", { class: "legend", "aria-label": "Legend" });
  const panel = el("article", { class: "panel chart" }, el("header", {}, el("h3", {}, spec.title), el("p", {}, spec.note || ""), side), legend, plot);
  holder.append(panel);
  const tip = el("div", { class: "tip", hidden: true, role: "status" });

  const series = () => spec.series.map((one) => ({
    show: one.isShown !== false,
    label: one.name,
    scale: "y",
    stroke: () => color(one.color),
    fill: one.fill ? () => faint(one.color, one.fill) : undefined,
    width: one.width ?? 2,
    dash: one.dash,
    paths: one.mark ? () => null : one.stepped ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
    points: { show: false },
    // What is undefined is skipped, what is null is a gap.
    spanGaps: false,
  }));
  const options = () => ({
    width: Math.max(plot.clientWidth, 120),
    height: spec.height || 210,
    series: [{}, ...series()],
    bands: spec.bands,
    legend: { show: false },
    padding: spec.padding || [10, 14, 0, 0],
    scales: {
      x: spec.isTime ? { time: false, auto: false, min: timeRange[0], max: timeRange[1] } : { time: false, ...spec.x.scale },
      y: spec.y.scale,
    },
    axes: [
      axis({ size: 34, space: 64, values: tickSeconds, ...(spec.isTime ? {} : spec.x.axis) }),
      axis({ size: AXIS_WIDTH, space: 34, ...spec.y.axis }),
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: true, dist: 4 },
      bind: { dblclick: () => () => (spec.isTime ? resetTime() : spec.reset?.()) },
      sync: spec.isTime
        ? { key: "time", scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } }
        : undefined,
    },
    hooks: {
      drawClear: [(u) => spec.isTime && paintFaults(u), (u) => spec.paint?.under?.(u)].filter(Boolean),
      draw: [(u) => paintMarks(u, spec), (u) => spec.paint?.over?.(u), (u) => spec.isTime && paintPhases(u)],
      setScale: [(u, key) => spec.isTime && key === "x" && made.plot === u && !isSettingTime && setTime(u.scales.x.min, u.scales.x.max)],
      setCursor: [(u) => showTip(u, spec, tip)],
    },
  });

  const made = { plot: null, spec, legend, side, holder: plot };
  made.build = () => {
    const old = made.plot;
    const at = timeCharts.indexOf(old);
    made.plot = null;
    old?.destroy();
    const fresh = new uPlot(options(), spec.data, plot);
    made.plot = fresh;
    fresh.over.append(tip);
    if (spec.isTime) {
      if (at >= 0) timeCharts[at] = fresh;
      else timeCharts.push(fresh);
    }
    gestures(fresh, spec);
  };
  made.build();
  showLegend(made);
  onTheme(() => {
    made.plot?.redraw(false);
    showLegend(made);
  });
  // What is removed is not a chart over time.
  made.remove = () => {
    made.plot?.destroy();
    made.plot = null;
    panel.remove();
  };
  new ResizeObserver(inFrame(() => {
    const width = plot.clientWidth;
    if (made.plot && width > 0 && width !== made.plot.width) made.plot.setSize({ width, height: made.plot.height });
  })).observe(plot);
  if (spec.isTime) plot.addEventListener("keydown", timeKeys);
  return made;
}

function timeKeys(event) {
  const does = {
    ArrowLeft: () => panTime(-0.2), ArrowRight: () => panTime(0.2),
    "+": () => zoomTime(0.6), "=": () => zoomTime(0.6), "-": () => zoomTime(1 / 0.6),
    0: resetTime, Home: resetTime, Escape: resetTime,
  }[event.key];
  if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  does();
}

/** A picture of how a series looks, for legends. */
function swatch(one) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 22 14");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  const at = {
    circle: "M14.5 7a3.5 3.5 0 1 1-7 0a3.5 3.5 0 1 1 7 0", square: "M8 4h6v6h-6z",
    triangle: "M11 3l4.2 7.4h-8.4z", cross: "M7.5 3.5l7 7M14.5 3.5l-7 7",
    area: "M1 2h20v10h-20z",
  };
  const form = one.mark || (one.area ? "area" : null);
  const isFilled = form && form !== "cross";
  shape.setAttribute("d", form ? at[form] : "M1 7h20");
  shape.setAttribute("fill", isFilled ? color(one.color) : "none");
  shape.setAttribute("stroke", color(one.color));
  shape.setAttribute("stroke-width", form ? (isFilled ? "0" : "2") : String(Math.min(one.width ?? 2, 3)));
  if (one.dash && !form) shape.setAttribute("stroke-dasharray", one.dash.join(" "));
  svg.append(shape);
  return svg;
}

function showLegend(made) {
  const { spec, legend } = made;
  const entry = (one, index) => {
    const isShown = one.isShown !== false;
    const button = el("button", { type: "button", "aria-pressed": String(isShown), title: `Show or hide: ${one.name}` }, swatch(one), one.name);
    button.addEventListener("click", () => {
      one.isShown = !isShown;
      if (spec.onToggle) spec.onToggle(made);
      else made.plot.setSeries(index + 1, { show: one.isShown });
      made.plot.redraw();
      showLegend(made);
    });
    return el("li", {}, button);
  };
  const entries = spec.series.map(entry);
  const marks = (spec.keys || []).map((key) => el("li", {}, el("span", { class: "key" }, swatch(key), key.name)));
  // The order of a stack is read from the top.
  legend.replaceChildren(...(spec.isStack ? entries.reverse() : entries), ...marks);
}

/** Points, each in the form of its series, so that they are told apart without color. */
function paintMarks(u, spec) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.rect(left - 4, top - 6, width + 8, height + 12);
  ctx.clip();
  spec.series.forEach((one, index) => {
    if (!one.mark || one.isShown === false) return;
    const ys = u.data[index + 1];
    const path = new Path2D();
    const radius = (one.size || 3) * scale;
    const floor = u.scales.y.distr === 3 ? u.scales.y.min : -Infinity;
    for (let at = 0; at < ys.length; at++) {
      const y = ys[at];
      if (y === null || y === undefined) continue;
      const x = u.data[0][at];
      if (x < u.scales.x.min || x > u.scales.x.max) continue;
      const height = one.atTop ? top + 7 * scale : u.valToPos(Math.max(y, floor), "y", true);
      MARKS[one.mark](path, u.valToPos(x, "x", true), height, radius);
    }
    if (one.mark === "cross") {
      ctx.strokeStyle = color(one.color);
      ctx.lineWidth = 1.6 * scale;
      ctx.stroke(path);
    } else {
      ctx.fillStyle = faint(one.color, one.alpha ?? 0.55);
      ctx.fill(path);
    }
  });
  ctx.restore();
}

/** The point nearest to the cursor, of those with a mark: {series, at}, or nothing within reach. */
function nearestMark(u, spec, left, top, reach) {
  let best = null;
  let least = reach * reach;
  const floor = u.scales.y.distr === 3 ? u.scales.y.min : -Infinity;
  spec.series.forEach((one, index) => {
    if (!one.mark || one.isShown === false) return;
    const ys = u.data[index + 1];
    for (let at = 0; at < ys.length; at++) {
      if (ys[at] === null || ys[at] === undefined) continue;
      const dx = u.valToPos(u.data[0][at], "x") - left;
      if (dx > reach || dx < -reach) continue;
      const dy = (one.atTop ? 7 : u.valToPos(Math.max(ys[at], floor), "y")) - top;
      const distance = dx * dx + dy * dy;
      if (distance < least) {
        least = distance;
        best = { series: one, at };
      }
    }
  });
  return best;
}

function showTip(u, spec, tip) {
  const { left, top, event } = u.cursor;
  const isHere = event && left >= 0 && top >= 0;
  const content = isHere ? spec.tip?.(u, left, top) : null;
  tip.hidden = !content;
  if (!content) return;
  tip.replaceChildren(el("b", {}, content.title));
  const rows = (content.rows || []).flatMap(([name, value, of]) => {
    const key = el("i", {});
    if (of) key.style.background = color(of);
    return [el("dt", {}, of ? key : null, name), el("dd", {}, value)];
  });
  if (rows.length) tip.append(el("dl", {}, rows));
  for (const note of content.notes || []) tip.append(el("span", { class: "small" }, note));
  const { clientWidth: width, clientHeight: height } = u.over;
  const x = left + 16 + tip.offsetWidth > width ? left - 14 - tip.offsetWidth : left + 16;
  const y = Math.min(Math.max(top - tip.offsetHeight / 2, -6), Math.max(height - tip.offsetHeight, -6));
  tip.style.transform = `translate(${Math.max(x, -AXIS_WIDTH + 4)}px, ${y}px)`;
}
