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
  return el(
    "div",
    { class: "panel" },
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", {}, el("caption", {}, caption, el("span", {}, note || "")), el("thead", {}, el("tr", {}, heads)), body),
    ),
  );
}

function nodeTable() {
  const count = (title, of, more) => ({ title, of, ...more });
  const isBroadcast = plan.workload === "broadcast";
  const columns = [
    { title: "Node", of: (row) => row.node, isText: true },
    count("Sent", (row) => row.sent, { hasBar: true }),
    count("Sent bytes", (row) => row.sent_bytes, { say: bytes }),
    count("Received", (row) => row.received, { hasBar: true }),
    count("Received bytes", (row) => row.received_bytes, { say: bytes }),
    count("Cut off", (row) => row.dropped.cut),
    count("Lost", (row) => row.dropped.loss),
    count("While down", (row) => row.dropped.down),
    count("Overflow", (row) => row.dropped.overflow, { isBad: (n) => n > 0 }),
    count("Kills", (row) => row.kills),
    count("Pauses", (row) => row.pauses),
    count("Operations", (row) => row.ops.invoked),
    count("ok", (row) => row.ops.ok),
    count("failed", (row) => row.ops.failed, { isBad: (n) => n > 0 }),
    count("unknown", (row) => row.ops.unknown),
  ];
  if (isBroadcast) columns.push(count("Values held", (row) => row.values, { hasBar: true }));
  return table("Nodes", "messages with other nodes; dropped are those sent to it", columns, results.nodes);
}

function typeTable() {
  const all = results.types.reduce((sum, row) => sum + row.messages, 0);
  return table(
    "Message types",
    run.types_left_out ? `between nodes; ${count(run.types_left_out, "rarer type")} left out` : "between nodes",
    [
      { title: "Type", of: (row) => row.type, isText: true },
      { title: "Messages", of: (row) => row.messages, hasBar: true },
      { title: "Share", of: (row) => (all ? row.messages / all : 0), say: percent },
      { title: "An operation", of: (row) => (results.ops.invoked ? row.messages / results.ops.invoked : null), say: num },
      { title: "Bytes", of: (row) => row.bytes, say: bytes, hasBar: true },
      { title: "Bytes each", of: (row) => (row.messages ? row.bytes / row.messages : null), say: num },
    ],
    results.types,
    1,
  );
}

function slowTable() {
  const { slowest, total, live } = run.values;
  const all = live.filter(Boolean).length;
  const link = (row) => el("button", { type: "button", "aria-label": `Follow value ${row.value} in the diagram`, onclick: () => followValue(row.value, true) }, `${row.value} →`);
  return table(
    "Slowest values",
    `farthest behind the ideal first${slowest.length < total ? `, ${num(slowest.length)} of ${num(total)}` : ""}`,
    [
      { title: "Value", of: (row) => row.value, node: diagram ? link : null, say: String },
      { title: "Broadcast at", of: (row) => row.at_ms, say: (at) => moment(at / 1000) },
      { title: "Node", of: (row) => nameOf(row.node), isText: true },
      { title: "Propagation", of: (row) => row.propagation_ms, say: (n) => (n === null ? "never everywhere" : ms(n)), isBad: (n) => n === null },
      { title: "At best", of: (row) => row.ideal_ms, say: ms },
      { title: "Excess", of: (row) => row.excess_ms, say: ms },
      { title: "Stable latency", of: (row) => row.stable_ms, say: ms },
      { title: "Reached", of: (row) => row.reached, say: (n) => `${n} of ${all}`, isBad: (n) => n < all },
      { title: "Last node", of: (row) => (row.last ? nameOf(row.last[0]) : null), isText: true },
      { title: "Fate", of: (row) => row.fate, isText: true, isBad: (fate) => fate === "lost" },
      { title: "Acknowledged", of: (row) => (row.acknowledged ? "yes" : "no"), isText: true },
    ],
    slowest,
  );
}

function showTables() {
  const holder = section("nodes", "Nodes, types and values", "Press a heading to sort.");
  const stack = el("div", { class: "stack" });
  holder.append(stack);
  if (results.nodes.length) stack.append(nodeTable());
  if (results.types.length) stack.append(typeTable());
  if (run.values && run.values.slowest.length) stack.append(slowTable());
}
