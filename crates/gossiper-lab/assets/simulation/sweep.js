// A plan: time and messages against what is swept, a line for each protocol.

/** What a plan can sweep, besides protocol and seed. */
const SWEPT = [
  { name: "faults", title: "Faults", of: (row) => row.faults, isText: true },
  { name: "nodes", title: "Nodes", of: (row) => row.nodes },
  { name: "fanout", title: "Fanout", of: (row) => row.fanout },
  { name: "interval", title: "Gossip interval", of: (row) => row.gossip_interval_ms, say: ms },
  { name: "pace", title: "Pace", of: (row) => row.pace_ms, say: ms },
  { name: "overlay", title: "Overlay of hybrid", of: (row) => (row.strategy === "hybrid" ? row.overlay : null), isText: true },
];

const CHARTS = [
  { title: "Time to all", note: "since the broadcast, median", of: (row) => row.time_to_all_ms, spread: (row) => row.time_to_all_spread_ms, isTime: true },
  { title: "Longest time to all", note: "the worst of all runs", of: (row) => row.time_to_all_ms_max, isTime: true },
  { title: "Messages a broadcast", note: "of all kinds", of: (row) => row.messages_per_broadcast, spread: (row) => row.messages_spread },
];

const told = (key, value) => (key.say ? key.say(value) : typeof value === "number" ? num(value) : value);

function showSweep() {
  if (!run.sweep) return;
  const { rows, has_curves: hasCurves } = run.sweep;
  const strategies = [...new Set(rows.map((row) => row.strategy))];
  // What other protocols do not have is null, and fits every choice.
  const valuesOf = (key) => [...new Set(rows.map(key.of))].filter((value) => value !== null);
  const keys = SWEPT.map((key) => ({ ...key, values: valuesOf(key) })).filter((key) => key.values.length > 1 && (key.name !== "overlay" || hasOverlays(rows)));
  // What is swept in numbers makes an axis; faults make panels.
  const axisKey = keys.find((key) => !key.isText) ?? keys[0];
  const chosen = new Map(keys.map((key) => [key.name, 0]));
  if (!rows.length) return;

  const fits = (row, apart) => keys.every((key) => apart.includes(key.name) || [null, key.values[chosen.get(key.name)]].includes(key.of(row)));
  const choices = (apart, changed) => keys.filter((key) => !apart.includes(key.name)).map((key) => labelled(key.title, choice(key.values.map((value) => told(key, value)), 0, (place) => {
    chosen.set(key.name, place);
    changed();
  })));

  const drawCharts = () => {
    if (!axisKey) return;
    const holder = section("sweep", `By ${axisKey.title.toLowerCase()}`, `Means over the seeds${rows.some((row) => row.runs > 1) ? "; behind each, the range from the least of them to the most" : ""}. Where a protocol has no point, no value was everywhere.`);
    const box = el("div", { class: "panels" });
    let made = [];
    const build = () => {
      made.forEach((one) => one.remove());
      const shown = rows.filter((row) => fits(row, [axisKey.name]));
      made = CHARTS.map((of) => sweepChart(box, of, axisKey, strategies, shown));
    };
    const refresh = () => made.forEach((one) => one.refresh());
    holder.append(el("div", { class: "tools over filters" }, sharedLegend(strategies, refresh), choices([axisKey.name], build)), box);
    build();
  };
  const drawCoverage = () => {
    if (!hasCurves || !rows.some((row) => row.curve?.mean.length)) return;
    const holder = section("coverage", "How far values have come, by the time since their broadcast", "The share of the live nodes that have a value: the mean over all values and seeds. A line that stays below 100 % has lost something for good.");
    const faults = keys.find((key) => key.name === "faults");
    const panels = () => (faults ? faults.values : [rows[0].faults]).map((name) => ({
      name: faults ? name : "Coverage",
      curves: rows.filter((row) => row.faults === name && fits(row, ["faults"])).map((row) => ({ strategy: row.strategy, ...row.curve })),
    }));
    const filters = el("div", { class: "tools filters" });
    holder.append(filters);
    const show = coveragePanels(holder, strategies, panels());
    filters.append(...choices(["faults"], () => show(panels())));
    if (!filters.children.length) filters.remove();
  };
  // The first picture is what the plan asks about.
  if (axisKey?.isText) {
    drawCoverage();
    drawCharts();
  } else {
    drawCharts();
    drawCoverage();
  }
}

/** Whether a choice is to be made: an overlay may also change with the size alone. */
function hasOverlays(rows) {
  const others = SWEPT.filter((key) => key.name !== "overlay");
  const settings = rows.filter((row) => row.strategy === "hybrid").map((row) => JSON.stringify(others.map((key) => key.of(row))));
  return new Set(settings).size < settings.length;
}

function sweepChart(box, { title, note, of, spread, isTime }, key, strategies, rows) {
  const xs = key.isText ? key.values.map((_, place) => place) : [...key.values].sort((a, b) => a - b);
  const xOf = (row) => (key.isText ? key.values.indexOf(key.of(row)) : key.of(row));
  const cells = (figure) => strategies.map((strategy) => xs.map((x) => {
    const row = rows.find((one) => one.strategy === strategy && (key.of(one) === null || xOf(one) === x));
    return row ? figure(row) : null;
  }));
  const columns = cells(of);
  const spreads = spread ? cells((row) => (row.runs > 1 ? spread(row) : null)) : null;
  const all = [...columns.flat(), ...(spreads ? spreads.flat(2) : [])].filter((value) => value !== null);
  const [least, most] = [Math.min(...all, Infinity), Math.max(...all, 0)];
  const isLogX = !key.isText && xs[0] > 0 && xs.at(-1) / xs[0] >= 10;
  const isLogY = least > 0 && most / least > 20;
  const pad = key.isText ? 0.5 : (xs.at(-1) - xs[0]) * 0.06;
  const range = isLogX ? [xs[0] / 1.2, xs.at(-1) * 1.2] : [xs[0] - pad, xs.at(-1) + pad];
  const series = strategies.map((strategy) => ({ ...lookOf(strategy), mark: undefined, ...(key.isText ? { width: 0.01 } : {}), name: strategy, isShown: !hidden.has(strategy) }));
  // Only what was played is written at the axis, as far as it has room.
  const ticks = (u) => {
    const room = u.bbox.width / (devicePixelRatio || 1);
    const kept = [];
    for (const x of xs) if (!kept.length || u.valToPos(x, "x") - u.valToPos(kept.at(-1), "x") > (key.isText ? 20 : Math.min(46, room / 4))) kept.push(x);
    return kept;
  };
  const say = isTime ? tickMs : tickNumber;
  const cut = (text, room) => (text.length * 6.4 > room ? `${text.slice(0, Math.max(Math.floor(room / 6.4) - 1, 2))}…` : text);
  const spec = {
    title,
    note,
    label: strategies.map((strategy, index) => `${strategy} from ${num(columns[index][0])} to ${num(columns[index].at(-1))}`).join(", "),
    height: 260,
    data: [xs, ...columns],
    series,
    x: {
      axis: {
        splits: ticks,
        filter: (u, splits) => splits,
        values: (u, splits) => splits.map((x) => (key.isText ? cut(key.values[x], u.bbox.width / (devicePixelRatio || 1) / xs.length) : told(key, x))),
      },
      scale: { range: () => range, ...(isLogX ? { distr: 3 } : {}) },
    },
    y: {
      axis: { values: say, ...(isLogY ? { grid: powerGrid } : {}) },
      scale: isLogY ? { distr: 3, range: () => [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most * 1.01))] } : { range: () => [0, Math.max(most * 1.12, 1)] },
    },
    paint: {
      under: (u) => spreads && paintSpreads(u, strategies, spreads, key.isText),
      over(u) {
        paintPoints(u, strategies, columns);
        if (!key.isText) paintNames(u, namesOf(strategies, xs, columns, isLogX, isLogY));
      },
    },
    tip(u, left) {
      const x = u.posToVal(left, "x");
      const near = xs.reduce((best, one, place) => (Math.abs(u.valToPos(one, "x") - left) < Math.abs(u.valToPos(xs[best], "x") - left) ? place : best), 0);
      if (!Number.isFinite(x)) return null;
      const written = isTime ? ms : num;
      const within = (range) => (range && range[0] < range[1] ? ` (${written(range[0])} to ${written(range[1])})` : "");
      const rows = strategies.map((strategy, index) => [strategy, `${written(columns[index][near])}${within(spreads?.[index][near])}`, lookOf(strategy).color]).filter(([strategy]) => !hidden.has(strategy));
      return { title: `${key.title}: ${key.isText ? key.values[near] : told(key, xs[near])}`, rows };
    },
  };
  const one = chart(box, spec);
  one.refresh = () => {
    strategies.forEach((strategy, index) => one.plot.setSeries(index + 1, { show: !hidden.has(strategy) }));
    one.plot.redraw();
  };
  return one;
}

/** The lines as names need them: with a height at every x, also where a scale is one of powers. */
function namesOf(strategies, xs, columns, isLogX, isLogY) {
  const on = (value, isLog) => (isLog ? Math.log(value) : value);
  return strategies.map((strategy, index) => ({
    ...lookOf(strategy),
    name: strategy,
    at(x) {
      const right = xs.findIndex((one) => one >= x);
      if (right < 1) return null;
      const [low, high] = [columns[index][right - 1], columns[index][right]];
      if (low === null || high === null || low === undefined || high === undefined) return null;
      const share = (on(x, isLogX) - on(xs[right - 1], isLogX)) / (on(xs[right], isLogX) - on(xs[right - 1], isLogX));
      const y = on(low, isLogY) + (on(high, isLogY) - on(low, isLogY)) * share;
      return isLogY ? Math.exp(y) : y;
    },
  })).filter((curve) => !hidden.has(curve.name));
}

/**
 * From the least to the most of one seed: a band behind each line, or a bar where there is no line,
 * also beside a gap.
 */
function paintSpreads(u, strategies, spreads, isApart) {
  const { ctx } = u;
  const scale = devicePixelRatio || 1;
  ctx.save();
  strategies.forEach((strategy, index) => {
    if (hidden.has(strategy)) return;
    const { color: name } = lookOf(strategy);
    const at = (place, end) => [u.valToPos(u.data[0][place], "x", true), u.valToPos(spreads[index][place][end], "y", true)];
    const bars = new Path2D();
    const bands = new Path2D();
    spreads[index].forEach((range, place, all) => {
      if (!range) return;
      if (isApart || (!all[place - 1] && !all[place + 1])) {
        bars.moveTo(...at(place, 0));
        bars.lineTo(...at(place, 1));
      } else if (all[place + 1]) {
        bands.moveTo(...at(place, 0));
        [[place, 1], [place + 1, 1], [place + 1, 0]].forEach((corner) => bands.lineTo(...at(...corner)));
        bands.closePath();
      }
    });
    ctx.fillStyle = faint(name, 0.16);
    ctx.fill(bands);
    ctx.strokeStyle = faint(name, 0.4);
    ctx.lineWidth = 5 * scale;
    ctx.stroke(bars);
  });
  ctx.restore();
}

/** What was measured, each in the form of its protocol. */
function paintPoints(u, strategies, columns) {
  const { ctx } = u;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.setLineDash([]);
  strategies.forEach((strategy, index) => {
    if (hidden.has(strategy)) return;
    const { color: name, mark } = lookOf(strategy);
    const path = new Path2D();
    columns[index].forEach((y, place) => {
      if (y === null) return;
      MARKS[mark](path, u.valToPos(u.data[0][place], "x", true), u.valToPos(y, "y", true), 4.2 * scale);
    });
    ctx.strokeStyle = color(name);
    ctx.fillStyle = color(name);
    ctx.lineWidth = 2 * scale;
    if (mark === "cross") ctx.stroke(path);
    else ctx.fill(path);
  });
  ctx.restore();
}
