// Drawing of the space-time diagram: a line for each node, an arrow for each message.

const RULER = 24;

/** Where things are on the canvas, in CSS pixels, for a view {from, to, top, rowHeight}. */
function diagramPlaces(view, width, height, gutter) {
  const perSecond = (width - gutter) / (view.to - view.from);
  return {
    width, height, gutter, perSecond,
    x: (s) => gutter + (s - view.from) * perSecond,
    y: (row) => RULER + (row - view.top + 0.5) * view.rowHeight,
    s: (x) => view.from + (x - gutter) / perSecond,
    row: (y) => (y - RULER) / view.rowHeight + view.top - 0.5,
  };
}

/** The ends of a message's line. One that did not arrive ends on the way. */
function messageLine(model, at, places) {
  const x = places.x(model.sent[at]);
  const y = places.y(model.src[at]);
  const toX = places.x(model.ended[at]);
  const toY = places.y(model.dest[at]);
  if (model.fate[at] === 0) return [x, y, toX, toY];
  if (model.fate[at] === 5) return [x, y, x + (toX - x) * 0.6, y + (toY - y) * 0.6];
  // A drop is known at once, or only when the message was due; the line is slanted a little, lest
  // lines of one moment hide each other.
  const reach = 0.55;
  const slant = Math.min(Math.abs(toY - y) * 0.16, 16);
  return [x, y, Math.max(x + slant, x + (toX - x) * reach), y + (toY - y) * reach];
}

function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough) ?? 10 * power;
}

function tickText(s, step) {
  if (step >= 1) return `${s.toFixed(0)} s`;
  if (step >= 0.001) return `${s.toFixed(Math.min(3, Math.ceil(-Math.log10(step))))} s`;
  return `${(s * 1000).toFixed(2)} ms`;
}

function paintRuler(pen, view, places) {
  pen.fillStyle = color("panel-2");
  pen.fillRect(0, 0, places.width, RULER);
  const step = roundStep(((view.to - view.from) / (places.width - places.gutter)) * 92);
  pen.font = "11.5px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  for (let n = Math.ceil(view.from / step); n * step <= view.to; n++) {
    const x = places.x(n * step);
    if (x < places.gutter) continue;
    pen.fillStyle = color("grid");
    pen.fillRect(x, RULER, 1, places.height);
    pen.fillStyle = color("text-2");
    if (x > places.gutter + 18 && x < places.width - 18) pen.fillText(tickText(n * step, step), x, RULER / 2);
  }
}

/** Faults behind the lines: all rows for links, their own rows for nodes. */
function paintDiagramFaults(pen, view, places) {
  for (const span of spans) {
    if (span.to < view.from || span.from > view.to) continue;
    const x = Math.max(places.x(span.from), places.gutter);
    const wide = Math.max(Math.min(places.x(span.to), places.width) - x, 2);
    const isOfNodes = span.kind === "kill" || span.kind === "pause";
    if (!isOfNodes) {
      pen.fillStyle = faint(`fault-${span.kind}`, 0.07);
      pen.fillRect(x, RULER, wide, places.height);
    }
    for (const node of span.nodes) {
      const y = places.y(node) - view.rowHeight / 2;
      if (y > places.height || y + view.rowHeight < RULER) continue;
      pen.fillStyle = faint(`fault-${span.kind}`, isOfNodes ? 0.28 : 0.13);
      pen.fillRect(x, y, wide, view.rowHeight);
      if (!isOfNodes || wide < 60 || view.rowHeight < 13) continue;
      pen.fillStyle = color(`fault-${span.kind}`);
      pen.textAlign = "left";
      pen.font = "11px system-ui, sans-serif";
      pen.fillText(span.kind === "kill" ? "down" : "paused", x + 5, places.y(node) - view.rowHeight * 0.25);
    }
  }
}

/** Where a run that did not come to its end ended, and at which nodes. */
function paintEnding(pen, view, places) {
  if (!ending || ending.at === null) return;
  const x = places.x(ending.at);
  if (x < places.gutter || x > places.width) return;
  pen.fillStyle = pen.strokeStyle = color("bad");
  pen.fillRect(x - 1, RULER, 2, places.height);
  pen.lineWidth = 2.4;
  const crosses = new Path2D();
  for (const node of ending.nodes) MARKS.cross(crosses, x, places.y(node), 5.5);
  pen.stroke(crosses);
  pen.font = "600 12px system-ui, sans-serif";
  const isLeft = x + pen.measureText(ending.text).width + 10 > places.width;
  pen.textAlign = isLeft ? "right" : "left";
  pen.textBaseline = "middle";
  const wide = pen.measureText(ending.text).width + 6;
  pen.fillStyle = faint("panel", 0.85);
  pen.fillRect(isLeft ? x - 4 - wide : x + 4, RULER + 3, wide, 16);
  pen.fillStyle = color("bad");
  pen.fillText(ending.text, x + (isLeft ? -7 : 7), RULER + 11);
}

function paintNotShown(pen, view, places, stretches) {
  let from = 0;
  const gaps = [];
  for (const stretch of stretches) {
    if (stretch.from_ms / 1000 > from) gaps.push([from, stretch.from_ms / 1000]);
    from = stretch.to_ms / 1000;
  }
  if (from < spanS) gaps.push([from, spanS]);
  for (const [start, end] of gaps) {
    if (end < view.from || start > view.to) continue;
    const x = Math.max(places.x(start), places.gutter);
    const wide = Math.min(places.x(end), places.width) - x;
    pen.fillStyle = faint("text-2", 0.1);
    pen.fillRect(x, RULER, wide, places.height);
    if (wide < 110) continue;
    pen.fillStyle = color("text-2");
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(wide < 260 ? "not in the page" : "messages of this time are not in the page", x + wide / 2, RULER + 14);
  }
}

/** The rows in sight, first and last. */
function rowsInSight(view, places) {
  const first = Math.max(0, Math.floor(view.top));
  const last = Math.min(names.length - 1, Math.ceil(view.top + (places.height - RULER) / view.rowHeight));
  return [first, last];
}

function paintRows(pen, view, places, chosen) {
  const [first, last] = rowsInSight(view, places);
  for (let row = first; row <= last; row++) {
    const y = places.y(row);
    pen.fillStyle = row === chosen ? color("accent") : color("line");
    pen.fillRect(places.gutter, y - 0.5, places.width, row === chosen ? 2 : 1);
  }
}

function paintNames(pen, view, places, chosen) {
  const [first, last] = rowsInSight(view, places);
  const every = Math.max(1, Math.ceil(13 / view.rowHeight));
  pen.fillStyle = color("panel");
  pen.fillRect(0, RULER, places.gutter, places.height);
  pen.fillStyle = color("line");
  pen.fillRect(places.gutter - 1, 0, 1, places.height);
  pen.font = `${Math.min(12.5, Math.max(10, view.rowHeight * 0.62))}px system-ui, sans-serif`;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let row = first; row <= last; row++) {
    if (row % every) continue;
    const y = places.y(row);
    if (y < RULER + 5) continue;
    pen.fillStyle = row === chosen ? color("accent") : color("text");
    pen.fillText(fitted(pen, names[row], places.gutter - 12), places.gutter - 8, y);
  }
  pen.fillStyle = color("panel-2");
  pen.fillRect(0, 0, places.gutter, RULER);
}

function fitted(pen, text, room) {
  let cut = text;
  while (cut.length > 2 && pen.measureText(cut).width > room) cut = `${cut.slice(0, -2)}…`;
  return cut;
}

/**
 * Draws the messages `shown` that touch the view, and gives them. `marked` tells which are
 * followed; then the others step back.
 */
function paintMessages(pen, model, shown, marked, view, places) {
  const visible = [];
  for (const at of shown) {
    if (model.sent[at] > view.to) break;
    if (model.ended[at] < view.from && !isDropped(model, at)) continue;
    if (isDropped(model, at) && places.x(model.ended[at]) < places.gutter - 24) continue;
    const [low, high] = model.src[at] < model.dest[at] ? [model.src[at], model.dest[at]] : [model.dest[at], model.src[at]];
    if (places.y(high) < RULER || places.y(low) > places.height) continue;
    visible.push(at);
  }
  const many = visible.length;
  const alpha = many < 250 ? 0.85 : many < 1000 ? 0.6 : many < 4000 ? 0.32 : 0.15;
  const beside = Math.min(0.12, Math.max(0.035, 60 / many));
  const groups = new Map();
  for (const at of visible) {
    const isMarked = marked ? marked[at] === 1 : null;
    const look = isDropped(model, at) ? "drop" : model.typeColors[model.type[at]];
    const isDashed = model.fate[at] === 5 || model.isCopy[at];
    const key = `${isMarked === true ? 1 : 0} ${look} ${isDashed}`;
    if (!groups.has(key)) groups.set(key, { isMarked, look, isDashed, lines: new Path2D(), heads: new Path2D(), crosses: new Path2D() });
    const group = groups.get(key);
    const line = messageLine(model, at, places);
    addLine(group, model, at, line, isMarked === true || many < 2500, view);
  }
  // Sorted by the key's first figure: what is followed lies on top.
  for (const group of [...groups.entries()].sort().map(([, one]) => one)) {
    const strength = group.isMarked === null ? alpha : group.isMarked ? 1 : beside;
    pen.strokeStyle = pen.fillStyle = faint(group.look, strength);
    pen.lineWidth = group.isMarked ? 2 : many < 250 ? 1.4 : 1;
    pen.setLineDash(group.isDashed ? [4, 3] : []);
    pen.stroke(group.lines);
    pen.setLineDash([]);
    pen.fill(group.heads);
    pen.strokeStyle = faint(group.look, group.isMarked === false ? beside * 2 : Math.max(strength, 0.6));
    pen.lineWidth = 1.7;
    pen.stroke(group.crosses);
  }
  return visible;
}

function addLine(group, model, at, [x, y, toX, toY], withHead, view) {
  group.lines.moveTo(x, y);
  if (model.src[at] === model.dest[at]) {
    // To itself: a bow above the line.
    const lift = Math.min(view.rowHeight * 0.8, 16);
    group.lines.bezierCurveTo(x, y - lift, toX, y - lift, toX, toY);
  } else {
    group.lines.lineTo(toX, toY);
  }
  if (isDropped(model, at)) {
    const r = withHead ? 3.4 : 2.2;
    MARKS.cross(group.crosses, toX, toY, r);
  } else if (withHead && model.fate[at] === 0) {
    const angle = model.src[at] === model.dest[at] ? Math.PI / 2 : Math.atan2(toY - y, toX - x);
    const size = Math.min(7, Math.max(4, view.rowHeight * 0.35));
    group.heads.moveTo(toX, toY);
    group.heads.lineTo(toX - size * Math.cos(angle - 0.42), toY - size * Math.sin(angle - 0.42));
    group.heads.lineTo(toX - size * Math.cos(angle + 0.42), toY - size * Math.sin(angle + 0.42));
    group.heads.closePath();
  }
}

/** One message, so that it stands out. */
function paintOne(pen, model, at, view, places) {
  const group = { lines: new Path2D(), heads: new Path2D(), crosses: new Path2D() };
  const line = messageLine(model, at, places);
  addLine(group, model, at, line, true, view);
  pen.strokeStyle = color("panel");
  pen.lineWidth = 6;
  pen.stroke(group.lines);
  pen.strokeStyle = pen.fillStyle = color(isDropped(model, at) ? "drop" : model.typeColors[model.type[at]]);
  pen.lineWidth = 3;
  pen.stroke(group.lines);
  pen.fill(group.heads);
  pen.stroke(group.crosses);
  pen.beginPath();
  pen.arc(line[0], line[1], 3.5, 0, 7);
  pen.fill();
}

/** Where and when a followed value was first at each node. */
function paintArrivals(pen, arrivals, view, places) {
  const start = arrivals.at_ms / 1000;
  pen.lineWidth = 1.6;
  arrivals.after_us.forEach((us, node) => {
    if (us === null) return;
    const x = places.x(start + us / 1e6);
    const y = places.y(node);
    if (x < places.gutter || x > places.width || y < RULER || y > places.height) return;
    pen.beginPath();
    const r = Math.min(5, Math.max(2.5, view.rowHeight * 0.24));
    if (us <= 0) {
      pen.moveTo(x, y - r * 1.5);
      pen.lineTo(x + r * 1.5, y);
      pen.lineTo(x, y + r * 1.5);
      pen.lineTo(x - r * 1.5, y);
      pen.closePath();
    } else {
      pen.arc(x, y, r, 0, 7);
    }
    pen.fillStyle = us <= 0 ? color("text") : color("panel");
    pen.strokeStyle = color("text");
    pen.fill();
    pen.stroke();
  });
}
