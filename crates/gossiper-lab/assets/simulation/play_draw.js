// The picture of the small cluster: nodes where the tree puts them, and messages on their way.

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, props, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null));
  return made;
}

const dashOf = (way) => WAYS[way].dash?.join(" ") ?? null;
const paint = (name) => `var(--${name})`;

/** A line from node to node. Only what goes along the tree goes straight, so that ways differ. */
function curveOf(a, b, way) {
  const bend = way === "tree" ? 0 : way === "answer" ? 0.06 : way === "gossip" ? 0.14 : -0.14;
  const control = { x: (a.x + b.x) / 2 - (b.y - a.y) * bend, y: (a.y + b.y) / 2 + (b.x - a.x) * bend };
  return {
    at(share) {
      const rest = 1 - share;
      return {
        x: rest * rest * a.x + 2 * rest * share * control.x + share * share * b.x,
        y: rest * rest * a.y + 2 * rest * share * control.y + share * share * b.y,
      };
    },
    /** The path as far as `share` of the way: the part of a curve is a curve. */
    path(share) {
      const end = this.at(share);
      const middle = { x: a.x + (control.x - a.x) * share, y: a.y + (control.y - a.y) * share };
      return `M${a.x.toFixed(1)} ${a.y.toFixed(1)}Q${middle.x.toFixed(1)} ${middle.y.toFixed(1)} ${end.x.toFixed(1)} ${end.y.toFixed(1)}`;
    },
  };
}

/** How far a lost message is seen to go. */
const LOST_AT = 0.55;

class Picture {
  constructor(stage) {
    this.root = svg("svg", { role: "img" });
    this.links = svg("g");
    this.ways = svg("g");
    this.dots = svg("g");
    this.nodes = svg("g");
    this.root.append(this.links, this.ways, this.dots, this.nodes);
    stage.append(this.root);
    this.stage = stage;
  }

  /** Puts the nodes of a run where they stand. */
  set(played, places) {
    this.played = played;
    this.places = places;
    this.measure();
  }

  measure() {
    const width = Math.max(this.stage.clientWidth, 200);
    const height = Math.min(width, 620);
    this.size = Math.max(9, Math.min(16, width / 30));
    this.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.root.style.height = `${height}px`;
    // The picture fills the stage, but is not drawn out much more one way than the other.
    const flat = this.places.map(({ angle, radius }) => ({ x: Math.sin(angle) * radius, y: -Math.cos(angle) * radius }));
    const span = (key) => {
      const all = flat.map((place) => place[key]);
      const [least, most] = [Math.min(...all), Math.max(...all)];
      return { middle: (least + most) / 2, length: Math.max(most - least, 0.01) };
    };
    const [across, down] = [span("x"), span("y")];
    const margin = 2 * (this.size + 7);
    const [wide, tall] = [(width - margin) / across.length, (height - margin) / down.length];
    const [byX, byY] = [Math.min(wide, tall * 1.4), Math.min(tall, wide * 1.4)];
    this.at = flat.map(({ x, y }) => ({ x: width / 2 + (x - across.middle) * byX, y: height / 2 + (y - down.middle) * byY }));
    this.links.replaceChildren(...this.played.links.map(([one, other]) => {
      const [a, b] = [this.at[one], this.at[other]];
      return svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: paint("line"), "stroke-width": 1.2 });
    }));
  }

  /** Shows how everything stands. `isStill` leaves out what moves. */
  show(t, { value, hasTalk, isStill }) {
    const state = this.played.at(t);
    const ways = [];
    const dots = [];
    // How the value has come to whoever has it.
    state.nodes.forEach(({ held }) => {
      const message = held.get(value)?.message;
      if (!message) return;
      const { width, color: name } = WAYS[message.way];
      const line = curveOf(this.at[message.from], this.at[message.to], message.way);
      ways.push(svg("path", { d: line.path(1), fill: "none", stroke: paint(name), "stroke-width": width, "stroke-dasharray": dashOf(message.way), opacity: 0.5 }));
    });
    for (const message of state.underWay) {
      const { way, fate } = message;
      const { width, color: name, isTalk } = WAYS[way];
      if (isTalk && !hasTalk) continue;
      const isOther = !isTalk && !message.values.includes(value);
      const line = curveOf(this.at[message.from], this.at[message.to], way);
      const gone = isStill ? 1 : (t - message.at) / Math.max(message.arrives - message.at, 1);
      const isLost = fate === "lost" || fate === "cut";
      const share = isLost ? Math.min(gone, LOST_AT) : gone;
      const opacity = isOther ? 0.4 : 1;
      ways.push(svg("path", { d: line.path(share), fill: "none", stroke: paint(name), "stroke-width": width, "stroke-dasharray": dashOf(way), opacity }));
      const end = line.at(share);
      if (isLost && share >= LOST_AT) {
        const r = 5;
        dots.push(svg("path", { d: `M${end.x - r} ${end.y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`, stroke: paint("bad"), "stroke-width": 2.4, fill: "none" }));
      } else if (isTalk) dots.push(svg("circle", { cx: end.x, cy: end.y, r: 2.5, fill: paint(name) }));
      else dots.push(this.token(message, end, name, opacity));
    }
    this.ways.replaceChildren(...ways);
    this.dots.replaceChildren(...dots);
    this.nodes.replaceChildren(...state.nodes.map((node, place) => this.node(node, place, value)));
    return state;
  }

  /** A value under way, by its number where there is room. */
  token(message, { x, y }, name, opacity) {
    const text = message.values.length === 1 ? String(message.values[0]) : "…";
    return svg("g", { opacity },
      svg("circle", { cx: x, cy: y, r: 7, fill: paint(name), stroke: paint("panel"), "stroke-width": 1.5 }),
      Object.assign(svg("text", { x, y: y + 3.3, class: "token" }), { textContent: text }));
  }

  node({ isDown, isStill, held }, place, value) {
    const { x, y } = this.at[place];
    const r = this.size;
    const one = held.get(value);
    const way = one?.message?.way;
    const name = one ? (way ? WAYS[way].color : "accent") : "line";
    const ring = isDown ? paint("bad") : one ? paint(name) : paint("text-2");
    const circle = svg("circle", {
      cx: x, cy: y, r,
      fill: one ? `color-mix(in srgb, ${paint(name)} 30%, ${paint("panel")})` : paint("panel"),
      stroke: ring,
      "stroke-width": one || isDown ? 2.6 : 1,
      "stroke-dasharray": isDown ? "3 3" : way ? dashOf(way) : null,
    });
    const label = Object.assign(svg("text", { x, y: y + r * 0.28, class: "node", "font-size": Math.max(9, r * 0.75), opacity: isDown ? 0.6 : 1 }), { textContent: nodeName(place) });
    const first = one && !one.message ? svg("circle", { cx: x, cy: y, r: r + 4, fill: "none", stroke: ring, "stroke-width": 1.6 }) : null;
    const cross = isDown ? svg("path", { d: `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`, stroke: paint("bad"), "stroke-width": 2, opacity: 0.75 }) : null;
    const still = isStill ? svg("path", { d: `M${x + r - 3} ${y - r - 2}v8m4 -8v8`, stroke: paint("unsure"), "stroke-width": 2.4 }) : null;
    return svg("g", {}, first, circle, label, cross, still);
  }
}
