// The space-time diagram: its controls, and how it is moved.

let diagram = null;

function showDiagram() {
  const { sample, selection, traffic } = run;
  // That there were none is told with the charts already.
  if (traffic && !traffic.total) return;
  const holder = section(
    "messages",
    "Messages between nodes",
    "Time runs to the right, each node has a line, each message is an arrow from when it was sent to when it arrived. A cross is a message that did not arrive.",
  );
  if (!sample || !sample.sent_us.length) {
    holder.append(absent(sample ? "No message of the stretches shown was sent between nodes." : "The folder has no net.jsonl, so there is nothing to draw."));
    return;
  }
  const clients = clientModel(sample.clients);
  diagram = makeDiagram(messageModel(sample), clients);
  const shown = sample.sent_us.length;
  const parts = [
    shown === traffic.total
      ? `All ${num(shown)} messages between nodes are here.`
      : `${num(shown)} of the ${num(traffic.total)} messages between nodes are here: stretches around the start, the slowest values, and where faults start and stop; they are bright in the strip below.`,
  ];
  if (sample.in_stretches > shown) parts.push(`Of the last stretch ${num(sample.in_stretches - shown)} messages had no room.`);
  if (traffic.clients) {
    const marks = clients ? `${num(clients.length)} of the ${num(traffic.clients)} messages between clients and nodes are marks on the nodes’ lines, if you press “Clients”${clients.length < traffic.clients ? "; the others set the nodes up, or are of times that are not here" : ""}` : "none of those with clients is here";
    parts.push(`That is ${percent(shown / (traffic.total + traffic.clients))} of all ${num(traffic.total + traffic.clients)} messages of the run; ${marks}.`);
  }
  if (sample.bodies_left_out) parts.push(`${num(sample.bodies_left_out)} bodies had no room either.`);
  parts.push("Bodies of more than 1 KiB are in no file. All messages stand in net.jsonl.");
  holder.append(
    el("p", { class: "small" }, parts.join(" ")),
    el("div", { class: "panel diagram" }, momentButtons(selection), diagram.controls, diagram.overview, diagram.stage, diagram.detail),
  );
  diagram.start();
}

function momentButtons(selection) {
  const around = Math.max(plan.latency_ms * 4, 50) / 1000;
  const buttons = selection.moments.map(([at, why]) => {
    const go = () => {
      const value = /^slow value (\d+) begins$/.exec(why);
      if (value) followValue(Number(value[1]));
      else diagram.show(at / 1000 - around * 0.1, at / 1000 + around);
    };
    return el("button", { type: "button", onclick: go }, `${why} · ${(at / 1000).toFixed(2)} s`);
  });
  if (ending && ending.at !== null) {
    const go = () => diagram.show(ending.at - around, ending.at + around * 0.1);
    buttons.push(el("button", { type: "button", onclick: go }, `${ending.text} · ${ending.at.toFixed(2)} s`));
  }
  return el("div", { class: "moments", role: "group", "aria-label": "Moments to look at", tabindex: "0" }, buttons);
}

/** Highlights all messages that name a value, and shows its time. */
function followValue(value, withScroll) {
  if (!diagram) return;
  diagram.follow(value, true);
  if (withScroll) document.getElementById("messages").scrollIntoView();
}

/** Shows a stretch of time, in seconds, and goes there. */
function showStretch(from, to) {
  if (!diagram) return;
  diagram.show(from, to);
  document.getElementById("messages").scrollIntoView();
}

function makeDiagram(model, clients) {
  const canvas = el("canvas", { tabindex: "0", role: "application", "aria-roledescription": "space-time diagram", "aria-label": "Messages between nodes. Arrow keys move, plus and minus zoom, n and p go to the next and the previous message, Escape lets go.", "aria-describedby": "message-detail" });
  const tip = el("div", { class: "tip", hidden: true });
  const stage = el("div", { class: "stage" }, canvas, tip);
  const strip = el("canvas", { "aria-hidden": "true" });
  const overview = el("div", { class: "overview" }, strip);
  const detail = el("div", { class: "detail", id: "message-detail", "aria-live": "polite" });
  const filter = { type: -1, node: -1, text: "", isDroppedOnly: false, hasClients: false };
  const view = { from: 0, to: 1, top: 0, rowHeight: 20 };
  let shown = model.filtered(filter);
  let visible = [];
  let followed = null;
  let selected = null;
  let hovered = null;
  let places = null;

  const rowsHeight = () => places.height - RULER;
  const clampView = () => {
    const length = Math.min(Math.max(view.to - view.from, 2e-5), spanS * 1.02);
    view.from = Math.min(Math.max(view.from, -spanS * 0.01), spanS * 1.01 - length);
    view.to = view.from + length;
    const rows = places ? rowsHeight() / view.rowHeight : names.length;
    view.top = Math.max(0, Math.min(view.top, names.length - rows));
  };

  const size = () => {
    const width = Math.max(stage.clientWidth, 200);
    const isNarrow = width < 560;
    const most = Math.min(640, Math.max(260, innerHeight * 0.62));
    const height = Math.round(RULER + Math.min(Math.max(names.length * view.rowHeight, 70), most) + 4);
    const ratio = devicePixelRatio || 1;
    for (const [one, tall] of [[canvas, height], [strip, 44]]) {
      one.width = width * ratio;
      one.height = tall * ratio;
      one.style.height = `${tall}px`;
    }
    const pen = canvas.getContext("2d");
    pen.font = "12.5px system-ui, sans-serif";
    const longest = names.reduce((longest, name) => (name.length > longest.length ? name : longest), "");
    const gutter = Math.min(Math.max(pen.measureText(longest).width + 20, 34), isNarrow ? 64 : 120);
    places = diagramPlaces(view, width, height, gutter);
    // With all rows in sight a finger that moves up or down scrolls the page.
    stage.style.touchAction = names.length * view.rowHeight <= rowsHeight() + 1 ? "pan-y" : "none";
  };

  const draw = inFrame(() => {
    if (!places) return;
    clampView();
    places = diagramPlaces(view, places.width, places.height, places.gutter);
    const pen = canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, places.width, places.height);
    paintNotShown(pen, view, places, run.selection.stretches);
    paintDiagramFaults(pen, view, places);
    paintRuler(pen, view, places);
    pen.save();
    pen.beginPath();
    pen.rect(places.gutter, RULER, places.width, places.height);
    pen.clip();
    paintRows(pen, view, places, filter.node);
    visible = paintMessages(pen, model, shown, followed?.found, view, places);
    if (clients && filter.hasClients) paintClients(pen, clients, filter.node, followed ? followed.value : null, view, places);
    if (followed?.arrivals) paintArrivals(pen, followed.arrivals, view, places);
    paintEnding(pen, view, places);
    for (const at of [hovered, selected]) if (at !== null) paintOne(pen, model, at, view, places);
    pen.restore();
    paintNames(pen, view, places, filter.node);
    drawStrip();
    tell();
  });

  const drawStrip = () => {
    const pen = strip.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const width = places.width;
    const x = (s) => (s / spanS) * width;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, 44);
    for (const stretch of run.selection.stretches) {
      pen.fillStyle = color("accent-soft");
      pen.fillRect(x(stretch.from_ms / 1000), 0, Math.max(x((stretch.to_ms - stretch.from_ms) / 1000), 1.5), 44);
    }
    const { sent, width_ms } = run.traffic;
    const sums = sent[0].map((_, bin) => sent.reduce((sum, counts) => sum + counts[bin], 0));
    const most = sums.reduce((a, b) => Math.max(a, b), 1);
    pen.fillStyle = faint("type-0", 0.7);
    sums.forEach((n, bin) => {
      const tall = n ? Math.max((n / most) * 34, 1) : 0;
      pen.fillRect(x((bin * width_ms) / 1000), 44 - tall, Math.max(x(width_ms / 1000) - 0.3, 0.6), tall);
    });
    spans.forEach((span) => {
      pen.fillStyle = color(`fault-${span.kind}`);
      pen.fillRect(x(span.from), spanKinds.indexOf(span.kind) * 3, Math.max(x(span.to - span.from), 1), 2);
    });
    pen.strokeStyle = color("text");
    pen.lineWidth = 1.5;
    const wide = Math.max(x(view.to - view.from), 4);
    pen.strokeRect(Math.min(x(view.from), width - wide) + 0.75, 0.75, wide - 1.5, 42.5);
  };

  const status = el("span", { class: "hint", "aria-live": "polite" });
  const tell = () => {
    const parts = [`${moment(Math.max(view.from, 0))} to ${moment(Math.min(view.to, spanS))}`, count(visible.length, "message")];
    if (followed) parts.push(`value ${followed.value} named by ${num(followed.many)}`);
    status.textContent = parts.join(" · ");
  };

  const zoom = (factor, x) => {
    const at = places.s(x ?? (places.gutter + places.width) / 2);
    view.from = at - (at - view.from) * factor;
    view.to = at + (view.to - at) * factor;
    draw();
  };
  const pan = (shareX, rows) => {
    const by = (view.to - view.from) * shareX;
    view.from += by;
    view.to += by;
    view.top += rows || 0;
    draw();
  };
  const zoomRows = (factor) => {
    view.rowHeight = Math.min(60, Math.max(4, view.rowHeight * factor));
    size();
    draw();
  };
  const show = (from, to) => {
    view.from = from;
    view.to = Math.max(to, from + 1e-4);
    draw();
  };

  const follow = (value, withView) => {
    const arrivals = run.arrivals.find((one) => one.value === value) || null;
    followed = value === null ? null : { value, arrivals, ...model.naming(value) };
    controls.value.value = value === null ? "" : String(value);
    if (followed && withView) {
      const moments = [];
      for (let at = 0; at < model.length; at++) if (followed.found[at]) moments.push(model.sent[at], model.ended[at]);
      const known = (run.values?.points || []).concat(run.values?.slowest || []).find((one) => one.value === value);
      const start = known ? known.at_ms / 1000 : moments.length ? Math.min(...moments.slice(0, 2)) : view.from;
      const end = known?.propagation_ms ? start + known.propagation_ms / 1000 : start + Math.max(plan.latency_ms * 3, 20) / 1000;
      const margin = Math.max((end - start) * 0.12, 0.002);
      show(start - margin, end + margin);
    }
    draw();
  };

  const select = (at) => {
    selected = at;
    detail.replaceChildren(...(at === null ? [hint()] : messageDetail(model, at, (value) => follow(value, true))));
    draw();
  };
  const hint = () => el("p", { class: "small" }, "Point at a message, or tap it, to read it. Drag to move, pinch or Ctrl and wheel to zoom (the wheel alone once the diagram has the focus). n and p go from message to message.");

  /** The message nearest to a place on the canvas, if one is near. */
  const messageAt = (x, y, reach) => {
    if (x < places.gutter || y < RULER) return null;
    let least = reach * reach;
    let best = null;
    for (const at of visible) {
      if (followed && !followed.found[at]) continue;
      const [x1, y1, x2, y2] = messageLine(model, at, places);
      if (Math.min(x1, x2) - reach > x || Math.max(x1, x2) + reach < x) continue;
      const long = (x2 - x1) ** 2 + (y2 - y1) ** 2;
      const share = long ? Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / long)) : 0;
      const distance = (x1 + share * (x2 - x1) - x) ** 2 + (y1 + share * (y2 - y1) - y) ** 2;
      if (distance < least) {
        least = distance;
        best = at;
      }
    }
    return best;
  };

  const step = (by) => {
    const list = followed ? shown.filter((at) => followed.found[at]) : shown;
    if (!list.length) return;
    const inView = list.findIndex((at) => model.sent[at] >= view.from);
    const place = selected === null ? Math.max(inView, 0) : Math.min(Math.max(list.indexOf(selected) + by, 0), list.length - 1);
    const at = list[place];
    if (model.sent[at] < view.from || model.ended[at] > view.to) {
      const length = view.to - view.from;
      show(model.sent[at] - length * 0.2, model.sent[at] + length * 0.8);
    }
    const row = Math.min(model.src[at], model.dest[at]);
    if (places.y(row) < RULER || places.y(row) > places.height) view.top = row - 1;
    select(at);
  };

  const refilter = () => {
    shown = model.filtered(filter);
    if (selected !== null && !shown.includes(selected)) select(null);
    hovered = null;
    draw();
  };
  const controls = diagramControls(model, clients, filter, { zoom, zoomRows, pan, refilter, follow, whole: () => show(0, spanS), toCharts: () => { setTime(view.from, view.to); document.getElementById("time").scrollIntoView(); } });
  controls.bar.append(status);

  moveDiagram({ canvas, strip, stage, view, zoom, pan, zoomRows, show, step, select, follow, draw, messageAt, rowsHeight, places: () => places,
    hover(at, x, y) {
      const mark = clients && filter.hasClients && x !== undefined ? clientAt(clients, filter.node, x, y, view, places) : null;
      tip.hidden = at === null && mark === null;
      if (!tip.hidden) {
        tip.replaceChildren(...(mark === null ? messageTip(model, at) : clientTip(clients, mark)));
        const left = x + 14 + tip.offsetWidth > places.width ? x - 12 - tip.offsetWidth : x + 14;
        tip.style.transform = `translate(${Math.max(left, 2)}px, ${Math.max(2, Math.min(y + 14, places.height - tip.offsetHeight - 2))}px)`;
      }
      if (at !== hovered) {
        hovered = at;
        draw();
      }
    },
  });

  const start = () => {
    view.rowHeight = Math.min(34, Math.max(13, 560 / names.length));
    size();
    // Some hundred messages are what an eye can follow.
    const first = model.sent.findIndex((s) => s >= 0);
    const last = Math.min(Math.max(first, 0) + 300, model.length - 1);
    const from = first < 0 ? 0 : model.sent[first];
    const least = Math.max(plan.latency_ms * 2.2, 5) / 1000;
    // What is beyond the first stretch is not here, and would only be empty.
    const stretch = run.selection.stretches.find((one) => one.to_ms / 1000 > from);
    const end = Math.min(model.sent[last], stretch ? stretch.to_ms / 1000 : spanS);
    show(from - least * 0.05, from + Math.max(end - from, least));
    select(null);
    new ResizeObserver(inFrame(() => {
      size();
      draw();
    })).observe(stage);
    onTheme(draw);
  };
  return { controls: controls.whole, overview, stage, detail, start, show, follow, view, canvas, visible: () => visible, refilter, filter };
}
