// What was run, and its figures as tables.

function showHead() {
  const word = run.sweep ? "a plan" : "a comparison";
  document.title = `${run.title}: ${word} of gossiper sim`;
  document.getElementById("brand").append(
    icon(["M12 4v5M12 9l-6 6M12 9l6 6", "M12 2a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M5 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M19 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4"]),
    el("span", {}, "gossiper sim"),
  );
  const facts = el("ul", { class: "facts" }, run.facts.map(([name, value]) => el("li", {}, el("b", {}, name), value)));
  const unsound = (run.cases || []).flatMap((one) => one.runs.filter(({ results }) => results.invented || results.delivered_twice).map(({ results }) =>
    el("p", { class: "notice" }, `${one.name}: ${results.strategy} delivered ${count(results.invented, "value")} that nobody broadcast, and ${num(results.delivered_twice)} twice.`)));
  document.getElementById("page").append(el("header", { class: "panel head", id: "run-head" }, el("h1", {}, run.title), facts, unsound, commandBox(run.command)));
}

const share = (value) => (value === null ? "–" : percent(value));
const named = (strategy) => el("span", { class: "named" }, swatch({ ...lookOf(strategy), mark: null }), strategy);

function showFigures() {
  const holder = section("figures", "The figures", "What each means is at the end of the page. Columns can be sorted.");
  if (run.sweep) holder.append(sweepTable());
  else holder.append(caseTable());
}

function caseTable() {
  const rows = run.cases.flatMap((one) => one.runs.map(({ results }) => ({ ...results, faults: one.name })));
  const isFaulty = rows.some((row) => row.recovery_ms !== null || row.dropped.loss + row.dropped.cut + row.dropped.down > 0);
  return table("Protocols", `${count(rows[0].broadcasts, "value")} each; messages and bytes are for each of them`, [
    { title: "Protocol", of: (row) => row.strategy, isText: true, node: (row) => named(row.strategy) },
    { title: "Faults", of: (row) => row.faults, isText: true },
    { title: "Coverage", of: (row) => row.coverage, say: share, isBad: (value) => value !== null && value < 1 },
    { title: "Everywhere", of: (row) => row.complete, say: (value, row) => `${num(value)} of ${num(row.broadcasts)}` },
    { title: "Redundancy", of: (row) => row.redundancy },
    { title: "Messages", of: (row) => row.messages_per_broadcast, hasBar: true },
    { title: "To all, median", of: (row) => row.time_to_all_ms?.["0.5"] ?? null, say: ms, hasBar: true },
    { title: "To all, longest", of: (row) => row.time_to_all_ms?.["1"] ?? null, say: ms },
    ...(isFaulty ? [{ title: "Recovery", of: (row) => row.recovery_ms, say: ms }] : []),
    { title: "Bytes", of: (row) => row.bytes_per_broadcast, say: (value) => (value === null ? "–" : bytes(Math.round(value))) },
    { title: "To a node, median", of: (row) => row.delivery_ms?.["0.5"] ?? null, say: ms },
    { title: "Last hop", of: (row) => row.last_delivery_hop },
    ...(isFaulty ? [
      { title: "Lost or cut off", of: (row) => row.dropped.loss + row.dropped.cut },
      { title: "Sent to the dead", of: (row) => row.dropped.down },
    ] : []),
  ], rows);
}

function sweepTable() {
  const { rows } = run.sweep;
  const paths = { title: "Overlay", of: (row) => row.paths, isText: true };
  const swept = [...SWEPT.filter((key) => key.name !== "overlay"), paths].filter((key) => new Set(rows.map(key.of)).size > 1);
  return table("Runs", "means over the seeds; messages and bytes are for each value; the longest time and the recovery are the worst of all", [
    { title: "Protocol", of: (row) => row.strategy, isText: true, node: (row) => named(row.strategy) },
    ...swept.map((key) => ({ title: key.title, of: key.of, say: key.say, isText: key.isText })),
    { title: "Seeds", of: (row) => row.runs },
    { title: "Coverage", of: (row) => row.coverage, say: share, isBad: (value) => value !== null && value < 1 },
    { title: "Redundancy", of: (row) => row.redundancy },
    { title: "Messages", of: (row) => row.messages_per_broadcast, hasBar: true },
    { title: "Bytes", of: (row) => row.bytes_per_broadcast, say: (value) => (value === null ? "–" : bytes(Math.round(value))) },
    { title: "To all, median", of: (row) => row.time_to_all_ms, say: ms, hasBar: true },
    { title: "To all, longest", of: (row) => row.time_to_all_ms_max, say: ms },
    { title: "Last hop", of: (row) => row.last_delivery_hop },
    ...(rows.some((row) => row.recovery_ms !== null) ? [{ title: "Recovery", of: (row) => row.recovery_ms, say: ms }] : []),
  ], rows);
}

/** What each figure means. */
const DEFINITIONS = [
  ["Coverage", "The share of the nodes live at the end that have a value: the mean over all values. In the charts, of the nodes live at that time."],
  ["Redundancy", "Payloads sent for each node reached besides a value’s first, less 1: 0 on a tree without faults. A list of all values counts as all of them."],
  ["Messages a broadcast", "Messages of all kinds for each value, lost ones included, acknowledgements and the talk of a quiet cluster too."],
  ["To all, to a node", "From the broadcast until every live node has the value, of the values that all have in the end; and until a node has it."],
  ["Last hop", "The longest way that a value made to any node, in hops: the mean over all values."],
  ["Recovery", "From the last begin or end of a fault, or from the broadcast if that came later, until every live node has the value: the longest. None if something is missing in the end."],
  ["Spread of values", "Eight of ten values lie between its edges, at each time."],
  ["Flood", "To all neighbors at once; what links lose is lost."],
  ["Tree", "Along a tree, acknowledged, and around a silent neighbor."],
  ["Gossip", "To random peers, then rounds in which two nodes compare what they hold."],
  ["Hybrid", "Along a tree, acknowledged, around a silent neighbor, then rounds."],
];

function showFooter() {
  document.getElementById("page").append(el(
    "footer",
    { class: "end", id: "about" },
    el("h2", {}, "What the figures mean"),
    el("dl", {}, DEFINITIONS.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
  ));
}
