// How fast values reach everyone, from the moment of their broadcast.

/** The share that had come at each moment of `grid`, of steps at rising moments. */
function stepsOn(grid, moments, shares) {
  let at = -1;
  return grid.map((x) => {
    while (at + 1 < moments.length && moments[at + 1] <= x) at++;
    return at < 0 ? 0 : shares[at];
  });
}

/** The curve of one value, of the nodes that count. */
function valueCurve(value) {
  const arrivals = run.arrivals.find((one) => one.value === value);
  if (!arrivals) return null;
  const { live } = run.values;
  const after = arrivals.after_us.filter((us, node) => us !== null && live[node]).map((us) => Math.max(us, 0) / 1000);
  after.sort((a, b) => a - b);
  const all = live.filter(Boolean).length;
  return { moments: after, shares: after.map((_, index) => (index + 1) / all) };
}

function showCoverage() {
  if (!hasBroadcasts) return;
  const holder = section(
    "coverage",
    "How fast values reach everyone",
    "Every pair of a value and a node that was up at the end: how many had it how long after the value’s broadcast arrived at its first node.",
  );
  const values = run.values;
  if (!values || !values.coverage.pairs) {
    const isKnown = values || results.set.attempted === 0;
    holder.append(absent(isKnown ? "No value was broadcast." : "The folder has no values.jsonl, so nothing is known of broadcast values."));
    return;
  }
  const { coverage } = values;
  if (!(coverage.delay_ms.at(-1) > 0)) {
    holder.append(absent(nothingSpread(values)));
    return;
  }
  const curves = [{ name: "all values", color: "type-0", width: 3, moments: coverage.delay_ms, shares: coverage.share }];
  const median = values.median === null ? null : valueCurve(values.median);
  if (median) curves.push({ name: `median value (${values.median})`, color: "type-2", dash: [7, 4], ...median });
  const worst = values.slowest[0];
  const worstCurve = worst && valueCurve(worst.value);
  if (worstCurve) curves.push({ name: `worst value (${worst.value})`, color: "drop", dash: [2, 3], ...worstCurve });

  const longest = Math.max(...curves.flatMap((curve) => curve.moments.slice(-1)), results.ideal_ms?.["1"] || 0, 1);
  // Where half of the pairs are reached; faults make a tail that is many times longer.
  const typical = coverage.delay_ms[coverage.share.findIndex((share) => share >= 0.5)] ?? longest;
  let isLog = longest > 12 * Math.max(typical, 1);
  const { "0.5": idealMedian, "1": idealMost } = results.ideal_ms || {};
  const ideals = !results.ideal_ms ? [] : idealMost - idealMedian < idealMedian * 0.02 ? [["ideal", idealMost]] : [["ideal, median", idealMedian], ["ideal, maximum", idealMost]];

  const spec = {
    title: "Coverage",
    note: "share of (value, node) pairs reached, by ms since the broadcast",
    label: `${percent(coverage.reached / coverage.pairs)} of the pairs were reached; the last after ${ms(longest)}.`,
    height: 300,
    // Above the curves there is room for the names of the ideals, which lie on none of them.
    padding: [10 + 16 * ideals.length, 14, 0, 0],
    series: curves.map((curve) => ({ ...curve, stepped: true })),
    keys: ideals.length ? [{ name: "the ideal under this run’s faults", color: "text-2", dash: [5, 3], width: 1.5 }] : [],
    y: { axis: { values: tickPercent }, scale: { range: () => [0, 1.04] } },
    paint: { over: (u) => paintIdeals(u, ideals) },
    tip(u, left) {
      const x = u.posToVal(left, "x");
      const rows = curves.map((curve) => [curve.name, percent(stepsOn([x], curve.moments, curve.shares)[0]), curve.color]);
      return { title: `after ${ms(x)}`, rows };
    },
  };
  const shape = () => {
    const floor = 1;
    const grid = new Set([isLog ? floor : 0, longest * 1.04]);
    for (const curve of curves) for (const x of curve.moments) grid.add(isLog ? Math.max(x, floor) : x);
    const xs = [...grid].sort((a, b) => a - b);
    spec.data = [xs, ...curves.map((curve) => stepsOn(xs, curve.moments, curve.shares))];
    spec.x = {
      axis: { values: tickMs, space: 70, ...(isLog ? roundAxis : {}) },
      scale: isLog ? { distr: 3, range: (u, min, max) => [Math.max(min, floor), Math.max(max, floor * 10)] } : { range: (u, min, max) => [Math.max(min, 0), max] },
    };
  };
  spec.reset = () => made.plot.setScale("x", { min: spec.data[0][0], max: spec.data[0].at(-1) });
  spec.setRange = (u, from, to) => {
    const [least, most] = [spec.data[0][0], spec.data[0].at(-1)];
    if (to - from > (most - least) / 5000) u.setScale("x", { min: Math.max(from, least), max: Math.min(to, most) });
  };
  shape();
  const made = chart(holder, spec);
  const scaleButton = el("button", { type: "button", "aria-pressed": String(isLog) }, "log time");
  scaleButton.addEventListener("click", () => {
    isLog = !isLog;
    scaleButton.setAttribute("aria-pressed", String(isLog));
    shape();
    made.build();
  });
  made.side.append(scaleButton, el("button", { type: "button", onclick: () => spec.reset() }, "whole"));
}

/** Why there is no curve. */
function nothingSpread({ total, coverage }) {
  if (names.length === 1) return `There is one node: each of the ${count(total, "value")} was everywhere when it was broadcast.`;
  const known = `${num(coverage.reached)} of ${num(coverage.pairs)} pairs of a value and a node`;
  return `Nothing spread: none of the ${count(total, "value")} was seen at a node that was up at the end, other than where it was broadcast (${known}).`;
}

/** Lines where the best possible protocol would have been done. */
function paintIdeals(u, ideals) {
  const { ctx } = u;
  const { top, height, left, width } = u.bbox;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.font = `${11.5 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  ideals.forEach(([name, at], index) => {
    const x = u.valToPos(Math.max(at, u.scales.x.min), "x", true);
    if (x < left || x > left + width + 1) return;
    const y = top - (3 + 16 * index) * scale;
    ctx.strokeStyle = color("text-2");
    ctx.lineWidth = 1.3 * scale;
    ctx.setLineDash([5 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, y - 13 * scale);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    const text = `${name} ${ms(at)}`;
    const isRight = x + ctx.measureText(text).width + 8 * scale < left + width;
    ctx.textAlign = isRight ? "left" : "right";
    ctx.fillStyle = color("text-2");
    ctx.fillText(text, x + (isRight ? 5 : -5) * scale, y);
  });
  ctx.restore();
}
