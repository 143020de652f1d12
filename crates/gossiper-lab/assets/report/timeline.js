// What happened when: all charts that share the run's time.

/** Moments in seconds that rise strictly, as uPlot's join needs them. */
function rising(momentsMs) {
  let before = -Infinity;
  return momentsMs.map((at) => (before = Math.max(at / 1000, before + 1e-9)));
}

/** A line through windows, with gaps where windows without a point were left out. */
function windowLine(windows, column) {
  const { at_ms, width_ms } = windows;
  const moments = [];
  const heights = [];
  at_ms.forEach((at, index) => {
    moments.push(at);
    heights.push(windows[column][index]);
    if (at_ms[index + 1] - at > 1.5 * width_ms) {
      moments.push(at + width_ms);
      heights.push(null);
    }
  });
  return [rising(moments), heights];
}

/** What a tooltip says of the faults in force. */
const faultNotes = (s) => spansAt(s).map((span) => `${span.kind}: ${span.text}`);

/** When the load ended, in seconds; 0 if that was not reached. */
const loadEndS = (results.phases_ms.drain ?? results.phases_ms.quiet ?? 0) / 1000;

function showTimeline() {
  const hasCharts = spans.length || run.values?.total || run.operations?.total || run.traffic?.total;
  const holder = section("time", "Over the run", hasCharts ? "All charts share one axis of time. Stripes are faults, dotted lines the phases." : "");
  const shown = el("span", { class: "hint", "aria-live": "polite" });
  const tools = el(
    "div",
    { class: "tools float", role: "toolbar", "aria-label": "Time shown" },
    el("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoomTime(0.5) }, "+"),
    el("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoomTime(2) }, "−"),
    el("button", { type: "button", "aria-label": "Earlier", onclick: () => panTime(-0.5) }, "←"),
    el("button", { type: "button", "aria-label": "Later", onclick: () => panTime(0.5) }, "→"),
    el("button", { type: "button", onclick: resetTime }, "Whole run"),
    loadEndS ? el("button", { type: "button", onclick: () => setTime(0, loadEndS * 1.08) }, "Under load") : null,
    run.traffic?.total ? el("button", { type: "button", onclick: () => showStretch(timeRange[0], timeRange[1]) }, "Messages of this time") : null,
    shown,
  );
  const tell = () => {
    const isWhole = timeRange[1] - timeRange[0] > spanS * 0.999;
    shown.textContent = isWhole
      ? "Drag over a chart to zoom, double-click for the whole run; pinch on a phone."
      : `${moment(timeRange[0])} to ${moment(timeRange[1])}`;
  };
  timeListeners.push(tell);
  tell();
  if (hasCharts) holder.append(tools);
  // A quiet that is longer than the load would leave little room for what happened.
  if (loadEndS && loadEndS < spanS / 2) setTime(0, loadEndS * 1.08);
  if (spans.length) faultStrip(holder);
  if (run.values && run.values.total) {
    underWayChart(holder);
    valueChart(holder, {
      title: "Propagation",
      note: "time until the last live node had the value, by when its broadcast arrived",
      height: "propagation_ms",
      windows: run.values.propagation,
      ideal: run.values.ideal,
      missing: ["never everywhere", (value) => value.propagation_ms === null],
    });
    if (spans.length && run.values.excess.at_ms.length) {
      valueChart(holder, {
        title: "Excess over the ideal",
        note: "how much longer propagation took than these faults made it take: the protocol’s own share",
        height: "excess_ms",
        windows: run.values.excess,
        missing: ["never everywhere", (value) => value.propagation_ms === null],
      });
    }
    valueChart(holder, {
      title: "Stable latency",
      note: "how long a known value was still missing in some read, as Maelstrom counts it",
      height: "stable_ms",
      windows: run.values.stable,
      missing: ["lost, orphaned or never read", (value) => value.stable_ms === null],
    });
  }
  if (run.operations && run.operations.total) operationsChart(holder);
  if (run.traffic && run.traffic.total) trafficChart(holder);
  else if (ending?.isSetUp) holder.append(absent("The run ended during the set-up, before any operation was begun."));
  else if (!hasCharts && isEcho) holder.append(absent("No operation was begun."));
  else if (!isEcho) holder.append(absent(run.traffic ? "No message went between nodes." : "The folder has no net.jsonl, so nothing is known of messages."));
}

function underWayChart(holder) {
  const { width_ms, most } = run.values.under_way;
  const xs = most.map((_, bin) => (bin * width_ms) / 1000).concat([(most.length * width_ms) / 1000]);
  chart(holder, {
    title: "Values under way",
    note: `values that some live node still lacked, most at once within ${ms(width_ms)}`,
    isTime: true,
    height: 170,
    data: [xs, most.concat([most.at(-1) ?? 0])],
    series: [{ name: "values not yet everywhere", color: "type-0", fill: 0.18, stepped: true, area: true }],
    y: { axis: { values: tickNumber }, scale: { range: (u, min, max) => [0, Math.max(max * 1.1, 1)] } },
    tip(u, left) {
      const s = u.posToVal(left, "x");
      const bin = Math.min(Math.floor((s * 1000) / width_ms), most.length - 1);
      return { title: moment(s), rows: [["not yet everywhere", num(most[bin] ?? 0), "type-0"]], notes: faultNotes(s) };
    },
  });
}

/** A linear scale from 0, or one of powers of ten, and a button to change it. */
function heightScale(spec, heights, build) {
  // Not Math.max(...heights): there may be more points than a call takes.
  const sorted = heights.filter((height) => height !== null && height !== undefined).sort((a, b) => a - b);
  const top = Math.max(sorted.at(-1) ?? 1, 1);
  const typical = Math.max(sorted[sorted.length >> 1] ?? 1, 1);
  let isLog = top > 12 * typical;
  const shape = () => {
    const floor = top >= 100 ? 1 : 0.1;
    spec.y = {
      axis: { values: (u, splits) => tickMs(u, splits).map((text, at) => (isLog && splits[at] === floor && text ? `≤ ${text}` : text)), ...(isLog ? { grid: powerGrid } : {}) },
      scale: isLog ? logScale(floor, top) : { range: (u, min, max) => [Math.min((min ?? 0) * 1.1, 0), Math.max((max ?? 0) * 1.12, 1)] },
    };
  };
  shape();
  const button = el("button", { type: "button", "aria-pressed": String(isLog) }, "log");
  button.addEventListener("click", () => {
    isLog = !isLog;
    button.setAttribute("aria-pressed", String(isLog));
    shape();
    build();
  });
  return button;
}

function valueChart(holder, about) {
  const { points, total } = run.values;
  const xs = rising(points.map((value) => value.at_ms));
  const heights = points.map((value) => value[about.height]);
  const missing = points.map((value) => (about.missing[1](value) ? 0 : null));
  const hasMissing = missing.some((one) => one !== null);
  const tables = [[xs, heights, ...(hasMissing ? [missing] : [])]];
  const lines = [];
  const add = (windows, column, look) => {
    tables.push(windowLine(windows, column));
    lines.push(look);
  };
  add(about.windows, "max", { name: "maximum", color: "type-3", width: 1.3 });
  add(about.windows, "p95", { name: "95 %", color: "type-1", dash: [6, 3] });
  add(about.windows, "median", { name: "median", color: "type-2", width: 2.4 });
  if (about.ideal) add(about.ideal, "median", { name: "ideal, median", color: "text-2", width: 1.5, dash: [2, 3] });
  const series = [
    { name: "a value", color: "type-0", mark: "circle", size: 2.6, alpha: 0.5 },
    ...(hasMissing ? [{ name: about.missing[0], color: "drop", mark: "cross", size: 3.5, atTop: true }] : []),
    ...lines,
  ];
  const left_out = total > points.length ? `; ${count(points.length, "point")} of ${num(total)} shown, the slowest all` : "";
  const spec = {
    title: about.title,
    note: `${about.note}; lines over ${ms(about.windows.width_ms)}${left_out}`,
    isTime: true,
    height: 240,
    data: uPlot.join(tables),
    series,
    tip(u, left, top) {
      const near = nearestMark(u, spec, left, top, 24);
      const s = near ? u.data[0][near.at] : u.posToVal(left, "x");
      if (near) {
        const value = points[indexOfMoment(xs, s)];
        return {
          title: `value ${value.value}`,
          rows: [
            ["broadcast", `${moment(value.at_ms / 1000)} at ${nameOf(value.node)}`],
            ["propagation", ms(value.propagation_ms)], ["at best", ms(value.ideal_ms)], ["excess", ms(value.excess_ms)],
            ["stable latency", ms(value.stable_ms)],
            ["last node", value.last ? nameOf(value.last[0]) : "–"], ["fate", fateWord(value.fate)],
            ...(value.lacking ? [["lacked by", lackedBy(value, run.values.live.filter(Boolean).length)]] : []),
          ],
          notes: [...faultNotes(s), "click to follow it in the diagram"],
        };
      }
      const window = Math.floor((s * 1000) / about.windows.width_ms);
      const at = about.windows.at_ms.findIndex((middle) => Math.floor(middle / about.windows.width_ms) === window);
      if (at < 0) return { title: moment(s), rows: [["no value", ""]], notes: faultNotes(s) };
      return {
        title: moment(s),
        rows: [["maximum", ms(about.windows.max[at]), "type-3"], ["95 %", ms(about.windows.p95[at]), "type-1"], ["median", ms(about.windows.median[at]), "type-2"]],
        notes: faultNotes(s),
      };
    },
  };
  const scale = heightScale(spec, heights, () => (made.build(), pickable()));
  const made = chart(holder, spec);
  made.side.append(scale);
  const pickable = () => {
    const u = made.plot;
    u.over.addEventListener("click", () => {
      const near = nearestMark(u, spec, u.cursor.left, u.cursor.top, 18);
      if (near) followValue(points[indexOfMoment(xs, u.data[0][near.at])].value, true);
    });
  };
  pickable();
}

/** Where a moment stands in a rising list that has it. */
function indexOfMoment(moments, s) {
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle] < s) low = middle + 1;
    else high = middle;
  }
  return low;
}

const FUNCTION_LOOKS = {
  broadcast: { mark: "circle", color: "type-0" },
  read: { mark: "triangle", color: "type-2" },
  echo: { mark: "square", color: "type-1" },
};

function operationsChart(holder) {
  const ops = run.operations;
  const xs = rising(ops.at_ms);
  const functions = Object.keys(FUNCTION_LOOKS).filter((name) => ops.function.includes(name));
  const ok = functions.map((name) => xs.map((_, at) => (ops.function[at] === name && ops.outcome[at] === "ok" ? ops.latency_ms[at] : null)));
  const failed = xs.map((_, at) => (ops.outcome[at] === "ok" ? null : (ops.latency_ms[at] ?? run.span_ms - ops.at_ms[at])));
  const hasFailed = failed.some((one) => one !== null);
  const left_out = ops.total > xs.length ? `; ${count(xs.length, "point")} of ${num(ops.total)} shown, the slowest all` : "";
  const spec = {
    title: "Operations",
    note: `how long clients waited, by when they asked; line over ${ms(ops.windows.width_ms)}${left_out}`,
    isTime: true,
    height: 210,
    data: uPlot.join([[xs, ...ok, ...(hasFailed ? [failed] : [])], windowLine(ops.windows, "p95")]),
    series: [
      ...functions.map((name) => ({ name, size: 2.6, alpha: 0.5, ...FUNCTION_LOOKS[name] })),
      ...(hasFailed ? [{ name: "failed or unknown", color: "drop", mark: "cross", size: 3.5 }] : []),
      { name: "95 %", color: "type-1", dash: [6, 3] },
    ],
    tip(u, left, top) {
      const near = nearestMark(u, spec, left, top, 24);
      const s = near ? u.data[0][near.at] : u.posToVal(left, "x");
      if (!near) return { title: moment(s), notes: faultNotes(s) };
      const at = indexOfMoment(xs, s);
      const outcome = { ok: "ok", fail: "failed", info: "unknown" }[ops.outcome[at]];
      return { title: `${ops.function[at]} at ${nameOf(ops.node[at])}`, rows: [["asked", moment(s)], ["took", ms(ops.latency_ms[at])], ["ended", outcome]], notes: faultNotes(s) };
    },
  };
  const heights = ok.flat().concat(failed);
  const scale = heightScale(spec, heights, () => made.build());
  const made = chart(holder, spec);
  made.side.append(scale);
}

function trafficChart(holder) {
  const { width_ms, types, sent, dropped, before, total } = run.traffic;
  const perSecond = 1000 / width_ms;
  const rows = sent
    .map((counts, index) => ({ counts, name: types[index] ?? "other types", color: `type-${index < types.length ? index : 7}` }))
    .filter((row) => row.counts.some((n) => n > 0));
  const xs = dropped.map((_, bin) => (bin * width_ms) / 1000).concat([(dropped.length * width_ms) / 1000]);
  const column = (values) => values.concat([values.at(-1) ?? 0]);
  const series = rows.map((row) => ({ name: row.name, color: row.color, stepped: true, area: true, fill: 0.55, width: 1, row }));
  const hasDropped = dropped.some((n) => n > 0);
  if (hasDropped) series.push({ name: "of these dropped", color: "drop", stepped: true, width: 2, dash: [4, 2] });
  const notes = [`sent in each ${ms(width_ms)}, ${num(total)} in all`];
  if (before) notes.push(`${num(before)} before the start are not shown`);
  const spec = {
    title: "Messages a second between nodes",
    note: notes.join("; "),
    isTime: true,
    isStack: true,
    height: 250,
    series,
    y: { axis: { values: (u, splits) => tickNumber(u, splits).map((text) => text && `${text}/s`) }, scale: { range: (u, min, max) => [0, Math.max((max ?? 0) * 1.1, 1)] } },
    onToggle(made) {
      stack();
      made.build();
    },
    tip(u, left) {
      const s = u.posToVal(left, "x");
      const bin = Math.max(0, Math.min(Math.floor((s * 1000) / width_ms), dropped.length - 1));
      const list = rows.map((row) => [row.name, `${num(row.counts[bin] * perSecond)}/s`, row.color]).reverse();
      if (hasDropped) list.push(["dropped", `${num(dropped[bin] * perSecond)}/s`, "drop"]);
      return { title: moment(s), rows: list, notes: faultNotes(s) };
    },
  };
  let isLog = false;
  function stack() {
    if (isLog) return lines();
    const sum = dropped.map(() => 0);
    const columns = rows.map((row, index) => {
      if (series[index].isShown === false) return column(sum.map(() => null));
      row.counts.forEach((n, bin) => (sum[bin] += n * perSecond));
      return column([...sum]);
    });
    if (hasDropped) columns.push(column(series.at(-1).isShown === false ? dropped.map(() => null) : dropped.map((n) => n * perSecond)));
    spec.data = [xs, ...columns];
    const shown = rows.map((_, index) => index + 1).filter((at) => series[at - 1].isShown !== false);
    spec.bands = shown.slice(1).map((at, index) => ({ series: [at, shown[index]] }));
  }
  /** The same, each for itself on a scale of powers of ten: what is rare is seen beside a flood. */
  function lines() {
    spec.data = [xs, ...rows.map((row) => column(row.counts.map((n) => (n ? n * perSecond : null))))];
    if (hasDropped) spec.data.push(column(dropped.map((n) => (n ? n * perSecond : null))));
    spec.bands = undefined;
  }
  const linear = spec.y.scale;
  const most = rows.reduce((top, row) => row.counts.reduce((a, b) => Math.max(a, b * perSecond), top), 1);
  stack();
  const made = chart(holder, spec);
  const scale = el("button", { type: "button", "aria-pressed": "false" }, "lines, log");
  scale.addEventListener("click", () => {
    isLog = !isLog;
    scale.setAttribute("aria-pressed", String(isLog));
    spec.y.scale = isLog ? logScale(Math.min(1, perSecond), most) : linear;
    spec.y.axis.grid = isLog ? powerGrid : { stroke: () => color("grid"), width: 1 };
    for (const one of series) {
      if (one.row) Object.assign(one, { fill: isLog ? 0 : 0.55, width: isLog ? 2 : 1 });
    }
    stack();
    made.build();
  });
  made.side.append(scale);
}
