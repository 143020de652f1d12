// Tables that can be sorted, and scroll by themselves.

/**
 * A table. Columns: {title, of(row), say(value, row), isText, hasBar, isBad(value), node(row)}.
 * The first column names the row.
 */
function table(caption, note, columns, rows, sortedBy) {
  const body = el("tbody", {});
  const most = columns.map((column) => (column.hasBar ? rows.reduce((top, row) => Math.max(top, column.of(row) || 0), 0) : 0));
  let order = { column: -1, isRising: true };

  const cell = (column, index, row) => {
    const value = column.of(row);
    const text = column.say ? column.say(value, row) : typeof value === "number" ? num(value) : (value ?? "–");
    const classes = [column.isText ? "text" : "", value === 0 && index > 0 ? "zero" : "", column.isBad?.(value) ? "warn" : ""].join(" ").trim();
    if (column.node) return el("td", { class: classes }, column.node(row));
    if (!column.hasBar || !most[index]) return el("td", { class: classes, title: index === 0 ? text : null }, text);
    const bar = el("i", {});
    bar.style.width = `${((value || 0) / most[index]) * 100}%`;
    return el("td", { class: classes }, el("span", { class: "fill" }, text, bar));
  };
  const fill = () => {
    const sorted = [...rows];
    if (order.column >= 0) {
      const { of } = columns[order.column];
      const sign = order.isRising ? 1 : -1;
      sorted.sort((a, b) => {
        const [one, other] = [of(a), of(b)];
        // What is not known stands last, whichever way is sorted.
        if (one === null || other === null) return (one === null) - (other === null);
        if (typeof one === "string") return sign * one.localeCompare(other, "en", { numeric: true });
        return sign * (one - other);
      });
    }
    body.replaceChildren(...sorted.map((row) => el("tr", {}, columns.map((column, index) => cell(column, index, row)))));
  };
  const heads = columns.map((column, index) => {
    const head = el("th", { scope: "col", class: column.isText ? "text" : "" });
    head.append(el("button", {
      type: "button",
      onclick: () => {
        // Figures are first sorted from the greatest.
        const isRising = order.column === index ? !order.isRising : Boolean(column.isText);
        order = { column: index, isRising };
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", isRising ? "ascending" : "descending");
        fill();
      },
    }, column.title));
    return head;
  });
  fill();
  if (sortedBy !== undefined) heads[sortedBy].setAttribute("aria-sort", "descending");
  return scrolling(
    el("table", {}, el("caption", {}, caption, el("span", {}, note || "")), el("thead", {}, el("tr", {}, heads)), body),
    caption,
  );
}

/** A table in a panel, which shows at which edges there is more of it. */
function scrolling(held, caption) {
  const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, held);
  const go = el("button", { type: "button", class: "more", "aria-label": `${caption}: scroll to more columns`, onclick: () => box.scrollBy({ left: box.clientWidth * 0.6 }) }, "more →");
  const panel = el("div", { class: "panel wide" }, box, el("i", { class: "edge right" }), el("i", { class: "edge below" }), go);
  const look = () => {
    const { scrollLeft, scrollTop, clientWidth, clientHeight, scrollWidth, scrollHeight } = box;
    panel.classList.toggle("more-right", scrollLeft + clientWidth < scrollWidth - 2);
    panel.classList.toggle("more-left", scrollLeft > 2);
    panel.classList.toggle("more-below", scrollTop + clientHeight < scrollHeight - 2);
  };
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(inFrame(look)).observe(box);
  return panel;
}
