// The tables of the run: by node, by type, by value.

function nodeTable() {
  const count = (title, of, more) => ({ title, of, ...more });
  const columns = [
    { title: "Node", of: (row) => row.node, isText: true },
    count("Operations", (row) => row.ops.invoked),
    count("ok", (row) => row.ops.ok),
    count("failed", (row) => row.ops.failed, { isBad: (n) => n > 0 }),
    count("unknown", (row) => row.ops.unknown, { isBad: (n) => n > 0 }),
    count("Sent", (row) => row.sent, { hasBar: true }),
    count("Received", (row) => row.received, { hasBar: true }),
    count("Cut off", (row) => row.dropped.cut),
    count("Lost", (row) => row.dropped.loss),
    count("While down", (row) => row.dropped.down),
    count("Overflow", (row) => row.dropped.overflow, { isBad: (n) => n > 0 }),
    count("Kills", (row) => row.kills),
    count("Pauses", (row) => row.pauses),
    count("Sent bytes", (row) => row.sent_bytes, { say: bytes }),
    count("Received bytes", (row) => row.received_bytes, { say: bytes }),
  ];
  if (hasBroadcasts) {
    const held = [count("Values held", (row) => row.values, { hasBar: true })];
    const { lacked, live, incomplete } = run.values || {};
    if (incomplete) {
      const places = new Map(names.map((name, place) => [name, place]));
      const of = (row) => (live[places.get(row.node)] ? lacked[places.get(row.node)] : null);
      held.push(count("Values lacked", of, { isBad: (n) => n > 0 }));
    }
    columns.splice(1, 0, ...held);
  }
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
      { title: "Per operation", of: (row) => (results.ops.invoked ? row.messages / results.ops.invoked : null), say: num },
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
      { title: "Propagation", of: (row) => row.propagation_ms, say: (n) => (n === null ? "never everywhere" : ms(n)), isBad: (n) => n === null },
      { title: "Excess", of: (row) => row.excess_ms, say: ms },
      { title: "Reached", of: (row) => row.reached, say: (n) => `${n} of ${all}`, isBad: (n) => n < all },
      ...(slowest.some((row) => row.lacking) ? [{ title: "Lacked by", of: (row) => lackedBy(row, all), isText: true }] : []),
      { title: "Fate", of: (row) => fateWord(row.fate), isText: true, node: (row) => el("span", { class: `fate ${row.fate}` }, fateWord(row.fate)) },
      { title: "Last node", of: (row) => (row.last ? nameOf(row.last[0]) : null), isText: true },
      { title: "At best", of: (row) => row.ideal_ms, say: ms },
      { title: "Stable latency", of: (row) => row.stable_ms, say: ms },
      { title: "Broadcast at", of: (row) => row.at_ms, say: (at) => moment(at / 1000) },
      { title: "Node", of: (row) => nameOf(row.node), isText: true },
      { title: "Acknowledged", of: (row) => (row.acknowledged ? "yes" : "no"), isText: true },
    ],
    slowest,
  );
}

/** The live nodes that were never seen to have a value. */
function lackedBy(row, all) {
  if (!row.lacking) return null;
  const more = all - row.reached - row.lacking.length;
  return row.lacking.map(nameOf).join(", ") + (more > 0 ? ` and ${num(more)} more` : "");
}

function operationTable() {
  const waited = (key) => ({ of: (row) => (row.latency_ms ? row.latency_ms[key] : null), say: ms });
  return table(
    "Operations",
    "how long clients waited, of those that succeeded",
    [
      { title: "Operation", of: (row) => row.function, isText: true },
      { title: "Begun", of: (row) => row.ok + row.failed + row.unknown },
      { title: "Median", ...waited("0.5") },
      { title: "95 %", ...waited("0.95") },
      { title: "99 %", ...waited("0.99") },
      { title: "Maximum", ...waited("1") },
      { title: "ok", of: (row) => row.ok },
      { title: "failed", of: (row) => row.failed, isBad: (n) => n > 0 },
      { title: "unknown", of: (row) => row.unknown, isBad: (n) => n > 0 },
    ],
    run.operations.functions,
  );
}

function showTables() {
  const parts = ["Nodes", run.operations?.functions.length ? "operations" : "", results.types.length ? "message types" : "", run.values?.slowest.length ? "values" : ""].filter(Boolean);
  const title = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0];
  const holder = section("nodes", title, "Press a heading to sort.");
  const stack = el("div", { class: "stack" });
  holder.append(stack);
  if (results.nodes.length) stack.append(nodeTable());
  if (run.operations?.functions.length) stack.append(operationTable());
  if (results.types.length) stack.append(typeTable());
  if (run.values && run.values.slowest.length) stack.append(slowTable());
}
