// Clients in the diagram: marks on a node's line where it was asked something, and answered.

const CLIENT_LOOKS = { broadcast: "type-0", read: "type-2", echo: "type-1", error: "drop" };
const clientColor = (type) => CLIENT_LOOKS[type.replace(/_ok$/, "")] || "type-7";

/** The marks in the order of time, or nothing if there are none. */
function clientModel(clients) {
  const length = clients.at_us.length;
  if (!length) return null;
  const order = Array.from({ length }, (_, at) => at).sort((a, b) => clients.at_us[a] - clients.at_us[b] || a - b);
  const column = (from) => order.map((at) => from[at]);
  return {
    length,
    at: column(clients.at_us).map((us) => us / 1e6),
    node: column(clients.node), isAnswer: column(clients.is_answer), value: column(clients.value),
    type: order.map((at) => clients.types[clients.type[at]]),
  };
}

const CLIENT_SIZE = 4.5;

/** Where a mark stands: a request above the line, an answer below it. */
function clientSpot(model, at, view, places) {
  const off = Math.min(view.rowHeight * 0.24, 7) * (model.isAnswer[at] ? 1 : -1);
  return [places.x(model.at[at]), places.y(model.node[at]) + off];
}

/** Draws what is in sight, of one node if one is chosen. */
function paintClients(pen, model, chosen, followed, view, places) {
  const size = Math.min(CLIENT_SIZE, Math.max(2, view.rowHeight * 0.2));
  const groups = new Map();
  for (let at = 0; at < model.length; at++) {
    if (model.at[at] < view.from) continue;
    if (model.at[at] > view.to) break;
    if (chosen >= 0 && model.node[at] !== chosen) continue;
    const [x, y] = clientSpot(model, at, view, places);
    if (y < RULER || y > places.height) continue;
    const isFaint = followed !== null && model.value[at] !== followed;
    const key = `${isFaint} ${clientColor(model.type[at])} ${model.isAnswer[at]}`;
    if (!groups.has(key)) groups.set(key, { isFaint, color: clientColor(model.type[at]), isAnswer: model.isAnswer[at], path: new Path2D() });
    const { path, isAnswer } = groups.get(key);
    if (isAnswer) {
      path.moveTo(x + size * 0.8, y);
      path.arc(x, y, size * 0.8, 0, 7);
    } else {
      // It points at the line: a request comes in.
      path.moveTo(x, y + size);
      path.lineTo(x - size, y - size * 0.8);
      path.lineTo(x + size, y - size * 0.8);
      path.closePath();
    }
  }
  pen.lineWidth = 1.4;
  for (const group of groups.values()) {
    pen.fillStyle = group.isAnswer ? color("panel") : faint(group.color, group.isFaint ? 0.2 : 1);
    pen.strokeStyle = faint(group.color, group.isFaint ? 0.2 : 1);
    pen.fill(group.path);
    if (group.isAnswer) pen.stroke(group.path);
  }
}

/** The mark nearest to a place on the canvas, if one is near. */
function clientAt(model, chosen, x, y, view, places) {
  let least = 64;
  let best = null;
  for (let at = 0; at < model.length; at++) {
    if (model.at[at] < view.from || (chosen >= 0 && model.node[at] !== chosen)) continue;
    if (model.at[at] > view.to) break;
    const [spotX, spotY] = clientSpot(model, at, view, places);
    const distance = (spotX - x) ** 2 + (spotY - y) ** 2;
    if (distance < least) [least, best] = [distance, at];
  }
  return best;
}

/** The few words beside the pointer. */
function clientTip(model, at) {
  const what = model.value[at] === null ? model.type[at] : `${model.type[at]} of ${model.value[at]}`;
  const said = model.isAnswer[at] ? `${nameOf(model.node[at])} answers a client` : `a client asks ${nameOf(model.node[at])}`;
  return [el("b", {}, what), el("span", { class: "small" }, `${said}, ${moment(model.at[at])}`)];
}

/** The marks’ forms, for the legend. */
const clientKeys = (model) => {
  const types = [...new Set(model.type)];
  return types.map((name) => ({ name: model.isAnswer[model.type.indexOf(name)] ? `client: ${name}` : `client: ${name} asked`, color: clientColor(name), mark: model.isAnswer[model.type.indexOf(name)] ? "circle" : "triangle" }));
};
