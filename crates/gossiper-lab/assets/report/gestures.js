// Wheel, touch and pinch on a chart. Drawing a range with the mouse is uPlot's own.

function gestures(u, spec) {
  const over = u.over;
  const range = () => [u.scales.x.min, u.scales.x.max];
  const set = (from, to) => (spec.isTime ? setTime(from, to) : spec.setRange?.(u, from, to));
  if (!spec.isTime && !spec.setRange) return;

  over.addEventListener("wheel", (event) => {
    // The wheel alone scrolls the page.
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    const at = u.posToVal(event.offsetX, "x");
    const [from, to] = range();
    const factor = Math.exp((event.deltaY || event.deltaX) * 0.002);
    set(at - (at - from) * factor, at + (to - at) * factor);
  }, { passive: false });

  const fingers = new Map();
  let start = null;
  const place = (event) => event.clientX - over.getBoundingClientRect().left;
  const begin = () => {
    const xs = [...fingers.values()];
    start = { range: range(), xs };
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, place(event));
    begin();
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, place(event));
    const xs = [...fingers.values()];
    const [from, to] = start.range;
    const perPixel = (to - from) / over.clientWidth;
    if (xs.length === 2 && start.xs.length === 2) {
      const before = Math.max(Math.abs(start.xs[0] - start.xs[1]), 10);
      const now = Math.max(Math.abs(xs[0] - xs[1]), 10);
      const center = from + ((start.xs[0] + start.xs[1]) / 2) * perPixel;
      const left = ((xs[0] + xs[1]) / 2) * perPixel * (before / now);
      set(center - left, center - left + (to - from) * (before / now));
    } else if (xs.length === 1) {
      const by = (start.xs[0] - xs[0]) * perPixel;
      if (Math.abs(start.xs[0] - xs[0]) > 8 && (!spec.isTime || to - from < spanS)) set(from + by, to + by);
      u.setCursor({ left: xs[0], top: u.over.clientHeight / 2 });
    }
  });
  const end = (event) => {
    if (fingers.delete(event.pointerId) && fingers.size) begin();
  };
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}
