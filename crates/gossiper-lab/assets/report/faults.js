// Faults and phases, as they stand behind every chart over time.

const FAULT_KINDS = ["partition", "one-way", "kill", "pause", "loss", "duplicate", "reorder", "slow"];
const spans = run.faults.spans.map((span) => ({
  ...span,
  from: span.from_ms / 1000,
  to: span.to_ms === null ? spanS : span.to_ms / 1000,
}));
const spanKinds = FAULT_KINDS.filter((kind) => spans.some((span) => span.kind === kind));
const spansAt = (s) => spans.filter((span) => span.from <= s && s < span.to);

/** Stripes, at an angle of the kind's own, so that kinds differ without color. */
const stripes = new Map();
function stripe(ctx, kind) {
  const key = `${kind} ${color(`fault-${kind}`)}`;
  if (!stripes.has(key)) {
    const size = 12 * (devicePixelRatio || 1);
    const one = document.createElement("canvas");
    one.width = one.height = size;
    const pen = one.getContext("2d");
    pen.strokeStyle = faint(`fault-${kind}`, 0.3);
    pen.lineWidth = size / 12;
    pen.beginPath();
    const lines = {
      partition: [[0, size, size, 0]], "one-way": [[0, 0, size, size]],
      kill: [[0, size, size, 0], [0, 0, size, size]], pause: [[size / 2, 0, size / 2, size]],
      loss: [[0, size / 2, size, size / 2]], duplicate: [[size / 3, 0, size / 3, size], [(size * 2) / 3, 0, (size * 2) / 3, size]],
      reorder: [[0, size / 2, size / 2, 0], [size / 2, size, size, size / 2]], slow: [[0, size / 3, size, size / 3], [0, (size * 2) / 3, size, (size * 2) / 3]],
    }[kind];
    for (const [x, y, toX, toY] of lines) {
      pen.moveTo(x, y);
      pen.lineTo(toX, toY);
    }
    pen.stroke();
    stripes.set(key, ctx.createPattern(one, "repeat"));
  }
  return stripes.get(key);
}

/** Fills a span with its tint, its stripes and its edges. Measures are in pixels of the canvas. */
function paintSpan(ctx, kind, x, y, width, height) {
  ctx.fillStyle = faint(`fault-${kind}`, 0.09);
  ctx.fillRect(x, y, width, height);
  ctx.fillStyle = stripe(ctx, kind);
  ctx.fillRect(x, y, width, height);
  ctx.fillStyle = faint(`fault-${kind}`, 0.75);
  const edge = devicePixelRatio || 1;
  ctx.fillRect(x, y, edge, height);
  ctx.fillRect(x + width - edge, y, edge, height);
}

function paintFaults(u) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const pixel = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  for (const span of spans) {
    if (span.to < u.scales.x.min || span.from > u.scales.x.max) continue;
    const x = u.valToPos(span.from, "x", true);
    const wide = Math.max(u.valToPos(span.to, "x", true) - x, 2 * pixel);
    paintSpan(ctx, span.kind, x, top, wide, height);
    ctx.fillStyle = color(`fault-${span.kind}`);
    const lane = spanKinds.indexOf(span.kind);
    ctx.fillRect(x, top + lane * 4 * pixel, wide, 3 * pixel);
  }
  ctx.restore();
}

const PHASES = [["drain", "drain"], ["quiet", "quiet"], ["final", "final reads"]];

/** Lines where a phase begins, with its name. */
function paintPhases(u) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const pixel = devicePixelRatio || 1;
  ctx.save();
  ctx.font = `${11 * pixel}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.lineWidth = pixel;
  const marks = PHASES.map(([key, name]) => [name, results.phases_ms[key] ?? null, "text"]);
  if (ending && ending.at !== null) marks.push([ending.text, ending.at * 1000, "bad"]);
  const places = marks.map(([name, at, tone]) => [name, at === null ? null : u.valToPos(at / 1000, "x", true), tone]).filter(([, x]) => x !== null && x >= left && x <= left + width + 1);
  let taken = left;
  places.forEach(([name, x, tone], index) => {
    const isEnd = tone === "bad";
    ctx.strokeStyle = faint(tone, isEnd ? 1 : 0.55);
    ctx.setLineDash(isEnd ? [] : [2 * pixel, 3 * pixel]);
    ctx.lineWidth = (isEnd ? 2 : 1) * pixel;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    const wide = ctx.measureText(name).width + 8 * pixel;
    const next = places[index + 1]?.[1] ?? Infinity;
    // Phases of a moment have no room for a name; the line stays.
    if (next - x < wide) return;
    const isLeft = x + wide > left + width;
    if (isLeft && x - wide < taken && !isEnd) return;
    taken = isLeft ? x : x + wide;
    ctx.textAlign = isLeft ? "right" : "left";
    ctx.fillStyle = faint(tone, isEnd ? 1 : 0.75);
    ctx.fillText(name, x + (isLeft ? -4 : 4) * pixel, top + (isEnd ? 17 : 3) * pixel + spanKinds.length * 4 * pixel);
  });
  ctx.restore();
}

/** A chart that has nothing but the faults, a lane for each kind. */
function faultStrip(holder) {
  const lanes = spanKinds;
  chart(holder, {
    title: "Faults in force",
    note: run.faults.left_out ? `${count(run.faults.left_out, "more fault")} had no room here` : "as they were applied; their stripes stand behind the charts below",
    isTime: true,
    height: 44 + lanes.length * 30,
    data: [[0, spanS], [null, null]],
    series: [],
    y: {
      scale: { range: () => [0, lanes.length] },
      axis: { splits: () => lanes.map((_, lane) => lanes.length - lane - 0.5), values: () => lanes, grid: { show: false } },
    },
    paint: { over: (u) => paintLanes(u, lanes) },
    tip(u, left) {
      const s = u.posToVal(left, "x");
      const now = spansAt(s);
      return { title: moment(s), rows: now.length ? [] : [["no fault in force", ""]], notes: now.map((span) => `${span.kind}: ${span.text} (${moment(span.from)} to ${span.to_ms === null ? "the end" : moment(span.to)})`) };
    },
  });
}

function paintLanes(u, lanes) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const pixel = devicePixelRatio || 1;
  const tall = height / lanes.length;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.clearRect(left, top, width, height);
  ctx.font = `${12 * pixel}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const span of spans) {
    const lane = lanes.indexOf(span.kind);
    const x = u.valToPos(span.from, "x", true);
    const wide = Math.max(u.valToPos(span.to, "x", true) - x, 2 * pixel);
    if (x > left + width || x + wide < left) continue;
    const y = top + lane * tall + 3 * pixel;
    const high = tall - 6 * pixel;
    paintSpan(ctx, span.kind, x, y, wide, high);
    // The text starts where the span does, or where the view does.
    const from = Math.max(x, left) + 7 * pixel;
    const room = Math.min(x + wide, left + width) - from - 4 * pixel;
    if (room < 24 * pixel) continue;
    let text = span.text;
    while (text.length > 1 && ctx.measureText(text).width > room) text = `${text.slice(0, Math.max(1, Math.floor(text.length * 0.85) - 1))}…`;
    if (text.length < 4) continue;
    const long = ctx.measureText(text).width;
    ctx.fillStyle = faint("panel", 0.85);
    ctx.fillRect(from - 3 * pixel, y + 2 * pixel, long + 6 * pixel, high - 4 * pixel);
    ctx.fillStyle = color("text");
    ctx.fillText(text, from, y + high / 2 + pixel);
  }
  ctx.restore();
}
