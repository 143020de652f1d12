// How far values have come by the time since their broadcast: one panel for each thing that goes
// wrong, all on the same axes.

const ages = run.ages_ms;

/** The share at an age, of shares in millionths that stay as they are after the last. */
function shareAt(shares, age) {
  if (!shares.length) return null;
  let [low, high] = [0, Math.min(ages.length, shares.length) - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ages[middle] <= age) low = middle;
    else high = middle - 1;
  }
  return shares[low] / 1e6;
}

/** From where to where the curves of all panels go, in ms: {first, last, isLong}. */
function extent(panels) {
  let [first, last, typical] = [Infinity, 1, 1];
  for (const { curves } of panels) {
    for (const { mean } of curves) {
      const begins = mean.findIndex((share) => share > mean[0]);
      if (begins < 0) continue;
      first = Math.min(first, ages[begins]);
      last = Math.max(last, ages[mean.length - 1]);
      typical = Math.max(typical, ages[mean.findIndex((share) => share >= 5e5)] || 1);
    }
  }
  return { first: Number.isFinite(first) ? first : 1, last, isLong: last > 8 * typical };
}

/**
 * Panels: [{name, note, curves: [{strategy, mean, low, high}]}]. Gives a function that shows other
 * ones in their place.
 */
function coveragePanels(holder, strategies, panels) {
  const box = el("div", { class: "panels" });
  let made = [];
  let shown = panels;
  let isLog = extent(panels).isLong;
  let hasBands = false;
  const rebuild = () => {
    made.forEach((one) => one.remove());
    const span = extent(shown);
    made = shown.map((panel) => coveragePanel(box, panel, span, isLog, () => hasBands));
  };
  const redraw = () => made.forEach((one) => one.refresh());
  const logButton = el("button", { type: "button", "aria-pressed": String(isLog) }, "log time");
  logButton.addEventListener("click", () => {
    isLog = !isLog;
    logButton.setAttribute("aria-pressed", String(isLog));
    rebuild();
  });
  const tools = el("div", { class: "tools over" }, sharedLegend(strategies, redraw), logButton);
  if (panels.some((panel) => panel.curves.some((curve) => curve.low.length))) {
    const bandButton = el("button", { type: "button", "aria-pressed": "false", title: "Show between which shares eight of ten values lie" }, "spread of values");
    bandButton.addEventListener("click", () => {
      hasBands = !hasBands;
      bandButton.setAttribute("aria-pressed", String(hasBands));
      redraw();
    });
    tools.append(bandButton);
  }
  holder.append(tools, box);
  rebuild();
  return (others) => {
    shown = others;
    rebuild();
  };
}

function coveragePanel(box, panel, span, isLog, hasBands) {
  const from = isLog ? Math.max(1, span.first * 0.7) : 0;
  const to = span.last * (isLog ? 1.25 : 1.03);
  const xs = [...new Set([from, ...ages.filter((age) => age > from && age < to), to])];
  const series = panel.curves.map((curve) => ({ ...lookOf(curve.strategy), mark: undefined, name: curve.strategy, stepped: true, isShown: !hidden.has(curve.strategy) }));
  const ends = panel.curves.map((curve) => `${curve.strategy} ${curve.mean.length ? percent(curve.mean.at(-1) / 1e6) : "nothing"}`);
  const spec = {
    title: panel.name,
    note: panel.note || "",
    label: `share of the live nodes that have a value, by the time since its broadcast. In the end: ${ends.join(", ")}.`,
    height: 290,
    data: [xs, ...panel.curves.map((curve) => xs.map((x) => shareAt(curve.mean, x)))],
    series,
    x: {
      axis: { values: tickMs, space: 52, ...(isLog ? roundAxis : {}) },
      scale: { range: (u, min, max) => (min === null ? [from, to] : [Math.max(min, from), Math.min(max, to)]), ...(isLog ? { distr: 3 } : {}) },
    },
    y: { axis: { values: tickPercent, size: 54 }, scale: { range: () => [0, 1.03] } },
    paint: {
      under: (u) => hasBands() && panel.curves.forEach((curve) => hidden.has(curve.strategy) || paintBand(u, curve)),
      over: (u) => paintNames(u, panel.curves.filter((curve) => !hidden.has(curve.strategy)).map((curve) => ({ ...lookOf(curve.strategy), name: curve.strategy, at: (x) => shareAt(curve.mean, x) }))),
    },
    tip(u, left) {
      const x = u.posToVal(left, "x");
      const rows = panel.curves.filter((curve) => !hidden.has(curve.strategy)).map((curve) => [curve.strategy, curve.mean.length ? percent(shareAt(curve.mean, x)) : "–", lookOf(curve.strategy).color]);
      return { title: `after ${ms(x < 100 ? Math.round(x * 10) / 10 : Math.round(x))}`, rows };
    },
  };
  spec.reset = () => one.plot.setScale("x", { min: from, max: to });
  spec.setRange = (u, low, high) => {
    if (high - low > (to - from) / 5000) u.setScale("x", { min: Math.max(low, from), max: Math.min(high, to) });
  };
  const one = chart(box, spec);
  one.refresh = () => {
    panel.curves.forEach((curve, index) => {
      const isShown = !hidden.has(curve.strategy);
      series[index].isShown = isShown;
      one.plot.setSeries(index + 1, { show: isShown });
    });
    one.plot.redraw();
  };
  return one;
}

/** Between the shares that a tenth of the values did not reach, and that a tenth went beyond. */
function paintBand(u, curve) {
  if (!curve.low.length) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const path = new Path2D();
  const points = u.data[0];
  const to = (shares) => (x) => [u.valToPos(x, "x", true), u.valToPos(shareAt(shares, x), "y", true)];
  points.map(to(curve.high)).forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
  [...points].reverse().map(to(curve.low)).forEach(([x, y]) => path.lineTo(x, y));
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = faint(lookOf(curve.strategy).color, 0.16);
  ctx.fill(path);
  ctx.restore();
}

function showCoverage() {
  if (!run.cases) return;
  const holder = section(
    "coverage",
    "How far values have come, by the time since their broadcast",
    "The share of the live nodes that have a value, as the mean over all values. A line that stays below 100 % has lost something for good.",
  );
  const strategies = run.cases[0].runs.map((one) => one.results.strategy);
  const panels = run.cases.map((one) => ({
    name: one.name,
    note: one.arguments,
    curves: one.runs.map(({ results, curve }) => ({ strategy: results.strategy, ...curve })),
  }));
  if (!panels.some((panel) => panel.curves.some((curve) => curve.mean.length))) {
    holder.append(absent("No value was broadcast."));
    return;
  }
  coveragePanels(holder, strategies, panels);
}
