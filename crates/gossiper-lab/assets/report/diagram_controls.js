// What surrounds the diagram: buttons, filters, the text of a message, and how hands move it.

function diagramControls(model, clients, filter, does) {
  const button = (text, label, action) => el("button", { type: "button", "aria-label": label, title: label, onclick: action }, text);
  const select = (label, entries, onPick) => {
    const made = el("select", { "aria-label": label, onchange: () => onPick(Number(made.value)) }, entries.map(([value, text]) => el("option", { value: String(value) }, text)));
    return el("label", {}, label, made);
  };
  const byName = model.types.map((name, at) => [at, name]).sort((a, b) => (a[1] < b[1] ? -1 : 1));
  const type = select("Type", [[-1, "all types"], ...byName], (at) => {
    filter.type = at;
    does.refilter();
  });
  const node = select("Node", [[-1, "all nodes"], ...names.map((name, at) => [at, name])], (at) => {
    filter.node = at;
    does.refilter();
  });
  const value = el("input", { type: "number", min: "0", step: "1", class: "short", placeholder: "none", inputmode: "numeric" });
  value.addEventListener("change", () => does.follow(value.value === "" ? null : Number(value.value), true));
  const text = el("input", { type: "search", placeholder: "any text" });
  text.addEventListener("input", () => {
    filter.text = text.value;
    does.refilter();
  });
  const dropped = el("button", { type: "button", "aria-pressed": "false" }, "✕ dropped only");
  dropped.addEventListener("click", () => {
    filter.isDroppedOnly = !filter.isDroppedOnly;
    dropped.setAttribute("aria-pressed", String(filter.isDroppedOnly));
    does.refilter();
  });
  const asked = clients && el("button", { type: "button", "aria-pressed": "false", title: "Mark where clients asked and nodes answered" }, "Clients");
  asked?.addEventListener("click", () => {
    filter.hasClients = !filter.hasClients;
    asked.setAttribute("aria-pressed", String(filter.hasClients));
    showLegendOfTypes();
    does.refilter();
  });
  const legend = el("ul", { class: "legend", "aria-label": "Colors of types" });
  const showLegendOfTypes = () => {
    const entries = model.types.map((name, at) => ({ name, color: model.typeColors[at], width: 3 }));
    const named = entries.filter((entry) => entry.color !== "type-7");
    if (named.length < entries.length) named.push({ name: entries.length - named.length === 1 ? entries.find((entry) => entry.color === "type-7").name : "other types", color: "type-7", width: 3 });
    named.push({ name: "dropped", color: "drop", mark: "cross" }, { name: "under way at the end, or a copy", color: "text-2", dash: [4, 3] });
    if (filter.hasClients) named.push(...clientKeys(clients));
    legend.replaceChildren(...named.map((entry) => el("li", {}, el("span", { class: "key" }, swatch(entry), entry.name))));
  };
  onTheme(showLegendOfTypes);
  showLegendOfTypes();
  const filters = el("div", { class: "tools filters", role: "group", "aria-label": "Which messages are shown" }, el("label", {}, "Follow value", value), type, node, el("label", {}, "Body has", text), dropped, asked);
  const bar = el(
    "div",
    { class: "tools", role: "toolbar", "aria-label": "Move the diagram" },
    button("+", "Zoom in", () => does.zoom(0.5)),
    button("−", "Zoom out", () => does.zoom(2)),
    button("←", "Earlier", () => does.pan(-0.4)),
    button("→", "Later", () => does.pan(0.4)),
    button("↕+", "Taller rows", () => does.zoomRows(1.35)),
    button("↕−", "Lower rows", () => does.zoomRows(1 / 1.35)),
    button("Whole run", "Show the whole run", does.whole),
    button("Charts of this time", "Show this time in the charts", does.toCharts),
  );
  return { whole: el("div", {}, filters, legend, bar), bar, value };
}

/** The few words beside the pointer. */
function messageTip(model, at) {
  const body = model.bodyText(at);
  return [
    el("b", {}, `${model.types[model.type[at]]}  ${nameOf(model.src[at])} → ${nameOf(model.dest[at])}`),
    el("span", { class: "small" }, `${FATE_WORDS[FATES[model.fate[at]]]}, sent ${moment(model.sent[at])}, took ${ms((model.ended[at] - model.sent[at]) * 1000)}, ${bytes(model.bytes[at])}`),
    body === null ? null : el("span", { class: "small mono" }, body.length > 140 ? `${body.slice(0, 140)}…` : body),
  ].filter(Boolean);
}

/** All that is known of a message. */
function messageDetail(model, at, follow) {
  const fate = FATES[model.fate[at]];
  const body = model.bodyText(at);
  const facts = [
    ["from", nameOf(model.src[at])], ["to", nameOf(model.dest[at])],
    ["sent", moment(model.sent[at])],
    [fate === "delivered" ? "arrived" : "ended", fate === "open" ? "–" : moment(model.ended[at])],
    ["took", fate === "open" ? "–" : ms((model.ended[at] - model.sent[at]) * 1000)],
    ["bytes", num(model.bytes[at])],
    ["fate", FATE_WORDS[fate]],
  ];
  if (model.isCopy[at]) facts.push(["copy", "made by the network"]);
  const values = [...model.valuesOf(at)].slice(0, 12);
  return [
    el("strong", {}, model.types[model.type[at]]),
    el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("pre", { tabindex: "0", "aria-label": "Body" }, body ?? "The body is not in the page: it is longer than 1 KiB, or had no room."),
    values.length ? el("p", { class: "tools" }, values.map((value) => el("button", { type: "button", onclick: () => follow(value) }, `follow ${value}`))) : null,
  ].filter(Boolean);
}

/** Mouse, fingers, wheel and keys. */
function moveDiagram(of) {
  const { canvas, strip, stage, view } = of;
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pointers = new Map();
  let last = null;
  let moved = 0;
  const center = () => {
    const all = [...pointers.values()];
    const x = all.reduce((sum, [one]) => sum + one, 0) / all.length;
    const y = all.reduce((sum, [, one]) => sum + one, 0) / all.length;
    const spread = all.length > 1 ? Math.max(Math.hypot(all[0][0] - all[1][0], all[0][1] - all[1][1]), 12) : 0;
    return { x, y, spread };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    // A pointer that was made by a script cannot be captured.
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {}
    pointers.set(event.pointerId, spot(event));
    last = center();
    if (pointers.size === 1) moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = spot(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") of.hover(of.messageAt(x, y, 9), x, y);
      return;
    }
    pointers.set(event.pointerId, [x, y]);
    const now = center();
    moved += Math.abs(now.x - last.x) + Math.abs(now.y - last.y);
    const inner = of.places().width - of.places().gutter;
    if (last.spread && now.spread) {
      of.zoom(last.spread / now.spread, now.x);
      moved += 10;
    }
    if (moved > 4) {
      of.hover(null);
      of.pan((last.x - now.x) / inner, (last.y - now.y) / view.rowHeight);
    }
    last = now;
  });
  const lift = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size) {
      last = center();
      return;
    }
    if (event.type === "pointerup" && moved <= 4) {
      const [x, y] = spot(event);
      of.select(of.messageAt(x, y, event.pointerType === "touch" ? 18 : 9));
    }
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => of.hover(null));
  canvas.addEventListener("dblclick", (event) => of.zoom(0.4, spot(event)[0]));
  canvas.addEventListener("wheel", (event) => {
    const isOurs = event.ctrlKey || event.metaKey || document.activeElement === canvas;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !event.ctrlKey) {
      event.preventDefault();
      of.pan(event.deltaX / of.places().width);
    } else if (isOurs) {
      event.preventDefault();
      if (event.shiftKey) of.zoomRows(Math.exp(-event.deltaY * 0.002));
      else of.zoom(Math.exp(event.deltaY * 0.002), spot(event)[0]);
    }
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      ArrowLeft: () => of.pan(-0.15), ArrowRight: () => of.pan(0.15),
      ArrowUp: () => of.pan(0, -2), ArrowDown: () => of.pan(0, 2),
      "+": () => of.zoom(0.6), "=": () => of.zoom(0.6), "-": () => of.zoom(1 / 0.6),
      0: () => of.show(0, spanS), Home: () => of.show(0, spanS),
      n: () => of.step(1), p: () => of.step(-1),
      Escape: () => { of.select(null); of.follow(null); },
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  const jump = (event) => {
    const box = strip.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * spanS;
    const half = (view.to - view.from) / 2;
    of.show(at - half, at + half);
  };
  strip.addEventListener("pointerdown", (event) => {
    jump(event);
    const move = (next) => jump(next);
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  });
}
