// What happens in a small cluster, moment by moment, told from what the simulator kept.

/** The ways of a message: what it is called, how it looks, and whether a value is in it. */
const WAYS = {
  tree: { name: "along the tree", color: "type-2", dash: null, width: 2.4, verb: "pushes" },
  gossip: { name: "gossip", color: "type-1", dash: [7, 3], width: 2.2, verb: "gossips" },
  repair: { name: "repair", color: "type-3", dash: [2, 3], width: 2.8, verb: "sends again" },
  answer: { name: "answers", color: "type-7", dash: [1, 4], width: 1.4, isTalk: true },
  compare: { name: "comparisons", color: "type-6", dash: [1, 4], width: 1.4, isTalk: true },
};

const nodeName = (node) => `n${node}`;

/** Names in a list: "n1, n2 and n3", or "n1, n2 and 7 more". */
function listed(nodes) {
  const names = nodes.map(nodeName);
  if (names.length === 1) return names[0];
  if (names.length <= 4) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}
const valuesText = (values) => (values.length === 1 ? `value ${values[0]}` : values.length <= 4 ? `values ${values.join(", ")}` : `${values.length} values`);

/** A run of the small cluster: rows as objects, in the order of time, and the moments to stop at. */
class Played {
  constructor({ strategy, trace }, nodes) {
    this.strategy = strategy;
    this.nodes = nodes;
    this.links = trace.links;
    this.isCut = trace.is_cut;
    this.messages = trace.messages.map(([at, from, to, way, fate, arrives, values]) => ({ at, from, to, way, fate, arrives, values }));
    this.deliveries = trace.deliveries.map(([at, node, value, message]) => ({ at, node, value, message: message === null ? null : this.messages[message] }));
    this.happenings = trace.happenings.map(([at, what]) => ({ at, kind: Object.keys(what)[0], of: Object.values(what)[0] }));
    this.values = [...new Set(this.deliveries.map((one) => one.value))].sort((a, b) => a - b);
    const last = (list, key) => list.reduce((most, one) => Math.max(most, one[key]), 0);
    this.end = Math.max(last(this.messages, "arrives"), last(this.deliveries, "at"), last(this.happenings, "at"), 1);
    this.told = { false: this.moments(false), true: this.moments(true) };
  }

  /** The moments at which something happens, each with its sentences: [{at, sentences}]. */
  moments(hasTalk) {
    const groups = new Map();
    const put = (at, key, rank, make) => {
      const name = `${at} ${key}`;
      if (!groups.has(name)) groups.set(name, { at, rank, nodes: [], ...make });
      return groups.get(name);
    };
    for (const { at, kind, of } of this.happenings) put(at, `${kind} ${of}`, 0, { text: happeningText(kind, of) });
    for (const { at, node, value, message } of this.deliveries) {
      if (!message) put(at, `client ${value}`, 1, { text: `A client gives value ${value} to ${nodeName(node)}`, strong: true });
      else put(at, `has ${value} ${message.from} ${message.way}`, 2, { say: (nodes) => `${listed(nodes)} ${nodes.length === 1 ? "has" : "have"} value ${value}, from ${nodeName(message.from)}${message.way === "tree" ? " along the tree" : message.way === "gossip" ? " by gossip" : message.way === "repair" ? " as a repair" : ""}`, strong: true }).nodes.push(node);
    }
    for (const message of this.messages) {
      const { at, from, to, way, fate, arrives, values } = message;
      const { isTalk, verb } = WAYS[way];
      if (isTalk && !hasTalk) continue;
      const what = values.length ? valuesText(values) : null;
      const say = isTalk
        ? (nodes) => `${nodeName(from)} ${way === "answer" ? "acknowledges to" : "compares with"} ${listed(nodes)}`
        : (nodes) => `${nodeName(from)} ${verb} ${what} to ${listed(nodes)}`;
      put(at, `sends ${from} ${way} ${values}`, 3, { say }).nodes.push(to);
      if (fate === "lost" || fate === "cut") {
        put(at, `${fate} ${from} ${way} ${values}`, 4, { say: (nodes) => `${fate === "lost" ? "Lost on the way" : "Cut off"}: ${what ?? "the message"} from ${nodeName(from)} to ${listed(nodes)}`, bad: true }).nodes.push(to);
      } else if (fate === "dead") {
        put(arrives, `dead ${from} ${way} ${values}`, 4, { say: (nodes) => `${listed(nodes)} ${nodes.length === 1 ? "is" : "are"} down: ${what ?? "the message"} from ${nodeName(from)} is lost`, bad: true }).nodes.push(to);
      } else if (fate === "arrives" && what && !this.deliveries.some((one) => one.message === message)) {
        put(arrives, `again ${from} ${way} ${values}`, 5, { say: (nodes) => `${listed(nodes)} ${nodes.length === 1 ? "gets" : "get"} ${what} from ${nodeName(from)}, and had ${values.length === 1 ? "it" : "them"}` }).nodes.push(to);
      }
    }
    const moments = new Map();
    for (const group of [...groups.values()].sort((a, b) => a.at - b.at || a.rank - b.rank)) {
      if (!moments.has(group.at)) moments.set(group.at, { at: group.at, sentences: [] });
      moments.get(group.at).sentences.push({ text: group.text ?? group.say(group.nodes), strong: group.strong, bad: group.bad });
    }
    return [...moments.values()];
  }

  /** The place of the last moment that is not after `t`, or -1. */
  placeOf(t, hasTalk) {
    const moments = this.told[hasTalk];
    let [low, high] = [-1, moments.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (moments[middle].at <= t) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** How everything stands at `t`: who is up and holds what, and what is under way. */
  at(t) {
    const nodes = Array.from({ length: this.nodes }, () => ({ isDown: false, isStill: false, held: new Map() }));
    let network = "";
    let delivered = 0;
    const deliverUntil = (at) => {
      while (delivered < this.deliveries.length && this.deliveries[delivered].at <= at) {
        const one = this.deliveries[delivered++];
        nodes[one.node].held.set(one.value, one);
      }
    };
    for (const { at, kind, of } of this.happenings) {
      if (at > t) break;
      // What is due when a fault comes is handed over after it.
      deliverUntil(at - 1);
      if (kind === "network") network = of;
      else if (kind === "dies") Object.assign(nodes[of], { isDown: true, isStill: false, held: new Map() });
      else if (kind === "starts") nodes[of].isDown = false;
      else nodes[of].isStill = kind === "stops";
    }
    deliverUntil(t);
    const underWay = this.messages.filter((one) => one.at <= t && t < one.arrives);
    return { nodes, network, underWay };
  }
}

function happeningText(kind, of) {
  if (kind === "network") return `The network: ${of}`;
  return `${nodeName(of)} ${{ dies: "crashes, and all that it held is gone", starts: "starts anew, empty", stops: "stands still", resumes: "goes on" }[kind]}`;
}

/** Where nodes stand: by the tree from its middle outward, or in a ring where the tree is deep. */
function placesOf(nodes, tree) {
  const near = Array.from({ length: nodes }, () => []);
  for (const [one, other] of tree) {
    near[one].push(other);
    near[other].push(one);
  }
  const root = near.reduce((best, list, node) => (list.length > near[best].length ? node : best), 0);
  const depth = Array(nodes).fill(-1);
  const children = Array.from({ length: nodes }, () => []);
  const order = [];
  const visit = (node, at) => {
    depth[node] = at;
    order.push(node);
    for (const next of near[node]) {
      if (depth[next] >= 0) continue;
      children[node].push(next);
      visit(next, at + 1);
    }
  };
  if (nodes) visit(root, 0);
  const deepest = Math.max(...depth, 1);
  const isWhole = order.length === nodes && nodes > 1;
  if (!isWhole || deepest > 4) {
    // Neighbors stand side by side.
    const missing = [...depth.keys()].filter((node) => depth[node] < 0);
    const ring = [...order, ...missing];
    const places = Array(nodes);
    ring.forEach((node, at) => (places[node] = { angle: (at / ring.length) * 2 * Math.PI, radius: nodes > 1 ? 1 : 0 }));
    return places;
  }
  const leaves = Array(nodes).fill(1);
  for (const node of [...order].reverse()) if (children[node].length) leaves[node] = children[node].reduce((sum, child) => sum + leaves[child], 0);
  const places = Array(nodes);
  const spread = (node, from, width) => {
    places[node] = { angle: from + width / 2, radius: Math.sqrt(depth[node] / deepest) };
    let at = from;
    for (const child of children[node]) {
      const share = (width * leaves[child]) / leaves[node];
      spread(child, at, share);
      at += share;
    }
  };
  spread(root, 0, 2 * Math.PI);
  return places;
}
