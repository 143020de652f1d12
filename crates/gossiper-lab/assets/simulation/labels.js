// Names beside their lines, so that nobody has to look back and forth to a legend.

/**
 * Writes the name of each curve where it is nearest to its own and farthest from all others.
 * Curves: {name, color, dash, width, at(x)} with the height at an x of the scale, or null.
 */
function paintNames(u, curves) {
  const { ctx } = u;
  const scale = devicePixelRatio || 1;
  const { left, top, width, height } = u.bbox;
  const heightAt = (curve, x) => {
    const y = curve.at(u.posToVal((x - left) / scale, "x"));
    return y === null ? null : u.valToPos(y, "y", true);
  };
  ctx.save();
  ctx.font = `600 ${12 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const tall = 16 * scale;
  const placed = [];
  for (const curve of curves) {
    const wide = ctx.measureText(curve.name).width + 30 * scale;
    let best = null;
    for (let step = 1; step < 48; step++) {
      const x = left + (width * step) / 48;
      const y = heightAt(curve, x);
      if (y === null) continue;
      const gap = 5 * scale;
      const boxes = [
        { x: x + gap, y: y + gap }, { x: x - gap - wide, y: y - gap - tall },
        { x: x - wide / 2, y: y - gap - tall }, { x: x - wide / 2, y: y + gap },
      ];
      // Farther away a thin line leads to it.
      for (const far of [5, 24, 48, 76]) boxes.push({ x: x + far * scale, y: y - tall / 2, far }, { x: x - far * scale - wide, y: y - tall / 2, far });
      for (const box of boxes) {
        const cost = costOf(box) + (box.far ?? 0) * 0.03;
        if (!best || cost < best.cost) best = { ...box, cost, from: { x, y } };
      }
      function costOf(box) {
        if (box.x < left + 2 || box.x + wide > left + width - 2 || box.y < top || box.y + tall > top + height - 2) return 1e6;
        let cost = 3 * Math.max(Math.abs(y - (top + height / 2)) / height - 0.2, 0);
        for (const other of placed) {
          if (box.x < other.x + other.wide + 3 && other.x < box.x + wide + 3 && box.y < other.y + tall + 2 && other.y < box.y + tall + 2) cost += 1000;
        }
        for (const other of curves) {
          // A steep line passes between two looks: what counts is the stretch from one to the next.
          let before = null;
          for (let part = -1; part <= 11; part++) {
            const here = heightAt(other, box.x + (wide * part) / 10);
            if (here === null) continue;
            const [high, low] = [Math.min(here, before ?? here), Math.max(here, before ?? here)];
            before = here;
            if (high < box.y + tall + 2 && low > box.y - 2) cost += other === curve ? 3 : 6;
          }
        }
        return cost;
      }
    }
    if (!best || best.cost >= 1000) continue;
    placed.push({ ...best, wide });
    if (best.far > 5) {
      ctx.strokeStyle = color(curve.color);
      ctx.lineWidth = scale;
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(best.from.x, best.from.y);
      ctx.lineTo(best.x > best.from.x ? best.x : best.x + wide, best.from.y);
      ctx.stroke();
    }
    ctx.fillStyle = faint("panel", 0.86);
    ctx.beginPath();
    ctx.roundRect(best.x, best.y, wide, tall, 4 * scale);
    ctx.fill();
    const middle = best.y + tall / 2;
    ctx.strokeStyle = color(curve.color);
    ctx.lineWidth = (curve.width + 0.5) * scale;
    ctx.setLineDash((curve.dash || []).map((part) => part * scale));
    ctx.beginPath();
    ctx.moveTo(best.x + 4 * scale, middle);
    ctx.lineTo(best.x + 22 * scale, middle);
    ctx.stroke();
    ctx.fillStyle = color("text");
    ctx.fillText(curve.name, best.x + 26 * scale, middle + 0.5 * scale);
  }
  ctx.restore();
}
