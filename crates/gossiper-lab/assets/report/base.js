// What all parts of a page use: elements made of text, numbers in words.

/** An element. Children are elements or texts; a text is never read as HTML. */
function el(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** A drawing of our own, from path data, in a box of 24. */
function icon(paths, props) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const [key, value] of Object.entries(props || {})) svg.setAttribute(key, value);
  for (const d of [].concat(paths)) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", "currentColor");
    path.setAttribute("stroke-width", "2");
    path.setAttribute("stroke-linecap", "round");
    path.setAttribute("stroke-linejoin", "round");
    svg.append(path);
  }
  return svg;
}

const CIRCLE = "M12 1.6a10.4 10.4 0 1 1 0 20.8a10.4 10.4 0 1 1 0-20.8";
const SIGNS = {
  valid: [CIRCLE, "M7 12.4l3.4 3.4L17 9"],
  invalid: [CIRCLE, "M8.2 8.2l7.6 7.6M15.8 8.2l-7.6 7.6"],
  unknown: [CIRCLE, "M9.2 9.4a2.9 2.9 0 1 1 4.3 2.6c-1 .6-1.5 1.1-1.5 2.2M12 17.4v.1"],
};

const grouped = new Intl.NumberFormat("en");
const compacted = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A number with as many decimals as tell something. */
function num(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 1000) return grouped.format(Math.round(value));
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A length of time in ms, with its unit. */
function ms(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 60000) return `${(value / 60000).toFixed(1)} min`;
  if (size >= 10000) return `${(value / 1000).toFixed(1)} s`;
  if (size >= 1000) return `${(value / 1000).toFixed(2)} s`;
  if (size >= 100 || Number.isInteger(value)) return `${Math.round(value)} ms`;
  return `${value.toFixed(size >= 10 ? 1 : 2)} ms`;
}

/** A moment of the run, given in seconds. */
const moment = (s) => `${s.toFixed(s >= 100 ? 2 : 3)} s`;
const bytes = (value) => (value < 10000 ? `${grouped.format(value)} B` : `${compacted.format(value / 1000)} kB`.replace("K kB", " MB"));
const percent = (share) => {
  const value = share * 100;
  // What is not all must not read as all.
  const text = value > 99.9 && value < 100 ? (Math.floor(value * 1000) / 1000).toFixed(3) : value.toFixed(value % 1 === 0 ? 0 : 1);
  return `${text} %`;
};
const count = (n, one, many) => `${grouped.format(n)} ${n === 1 ? one : many || `${one}s`}`;

/** A section with its heading, put into the page. */
function section(id, title, lead) {
  const made = el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title));
  if (lead) made.append(el("p", { class: "lead" }, lead));
  document.getElementById("page").append(made);
  return made;
}

const absent = (text) => el("p", { class: "absent" }, text);

/** Calls `make` in a frame's time, once, however often it is asked to. */
function inFrame(make) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      make();
    });
  };
}
