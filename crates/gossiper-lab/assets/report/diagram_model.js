// The messages of the diagram: which there are, which a filter leaves, which name a value.

const FATES = ["delivered", "cut", "loss", "down", "overflow", "open"];
const FATE_WORDS = {
  delivered: "delivered", cut: "dropped: the link was cut", loss: "dropped: lost by chance",
  down: "dropped: the receiver was down", overflow: "dropped: the receiver’s queue was full",
  open: "under way when the run ended",
};

/** Fields whose numbers are values, in messages of any program; and those that never are. */
const VALUE_FIELDS = ["message", "messages", "value", "values", "local_messages", "remote_messages"];
const OTHER_FIELDS = ["msg_id", "in_reply_to", "hops", "id", "gossiper", "count", "streams", "digest", "summary"];

/** Whole numbers anywhere in what a body holds. */
function numbersIn(held, into) {
  if (Number.isInteger(held)) into.add(held);
  else if (Array.isArray(held)) for (const one of held) numbersIn(one, into);
  else if (held && typeof held === "object") {
    for (const [name, one] of Object.entries(held)) if (!OTHER_FIELDS.includes(name)) numbersIn(one, into);
  }
}

/** The values that a body names, as far as can be told without knowing the program. */
function valuesIn(text) {
  const found = new Set();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return found;
  }
  if (!body || typeof body !== "object" || Array.isArray(body)) return found;
  if (Array.isArray(body.rumors)) {
    // A delta's rumors end with their value.
    for (const rumor of body.rumors) numbersIn(Array.isArray(rumor) ? rumor.at(-1) : rumor, found);
    return found;
  }
  const known = VALUE_FIELDS.filter((name) => name in body);
  for (const name of known) numbersIn(body[name], found);
  if (!known.length) numbersIn(body, found);
  return found;
}

function messageModel(sample) {
  const length = sample.sent_us.length;
  const order = Array.from({ length }, (_, at) => at).sort((a, b) => sample.sent_us[a] - sample.sent_us[b] || a - b);
  const copies = new Set(sample.copies);
  const column = (from) => order.map((at) => from[at]);
  const model = {
    length,
    sent: Float64Array.from(order, (at) => sample.sent_us[at] / 1e6),
    ended: Float64Array.from(order, (at) => (sample.took_us[at] === null ? spanS : (sample.sent_us[at] + sample.took_us[at]) / 1e6)),
    src: column(sample.src), dest: column(sample.dest), type: column(sample.type),
    bytes: column(sample.bytes), fate: column(sample.fate), body: column(sample.body),
    isCopy: order.map((at) => copies.has(at)),
    types: sample.types,
    // The colors of the chart of messages a second, so that both tell the same.
    typeColors: sample.types.map((name) => {
      const at = run.traffic.types.indexOf(name);
      return `type-${at >= 0 ? at : 7}`;
    }),
    bodyText: (at) => (model.body[at] === null ? null : sample.bodies[model.body[at]]),
  };

  const valuesOfBody = new Map();
  model.valuesOf = (at) => {
    const body = model.body[at];
    if (body === null) return new Set();
    if (!valuesOfBody.has(body)) valuesOfBody.set(body, valuesIn(sample.bodies[body]));
    return valuesOfBody.get(body);
  };

  const knownFrom = new Map();
  for (const value of [...(run.values?.points || []), ...(run.values?.slowest || [])]) knownFrom.set(value.value, value.at_ms / 1000);
  for (const one of run.arrivals) knownFrom.set(one.value, one.at_ms / 1000);

  /** The messages that name a value; none sent before it was broadcast can mean it. */
  model.naming = (value) => {
    const from = (knownFrom.get(value) ?? -Infinity) - 1e-6;
    const found = new Uint8Array(length);
    let many = 0;
    for (let at = 0; at < length; at++) {
      if (model.sent[at] >= from && model.valuesOf(at).has(value)) {
        found[at] = 1;
        many++;
      }
    }
    return { found, many };
  };

  /** The messages that a filter leaves, in the order in which they were sent. */
  model.filtered = ({ type, node, text, isDroppedOnly }) => {
    const wanted = text.toLowerCase();
    // Bodies are many times fewer than messages in a flood: each is searched once.
    const hasText = wanted ? sample.bodies.map((body) => body.toLowerCase().includes(wanted)) : null;
    const left = [];
    for (let at = 0; at < length; at++) {
      if (type >= 0 && model.type[at] !== type) continue;
      if (node >= 0 && model.src[at] !== node && model.dest[at] !== node) continue;
      if (isDroppedOnly && !isDropped(model, at)) continue;
      if (hasText && !(model.body[at] !== null && hasText[model.body[at]])) continue;
      left.push(at);
    }
    return left;
  };
  return model;
}

const isDropped = (model, at) => model.fate[at] > 0 && model.fate[at] < 5;
