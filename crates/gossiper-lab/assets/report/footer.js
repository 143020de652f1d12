// How the figures are defined, and what else the folder holds.

const DEFINITIONS = [
  ["Messages an operation", "Messages sent between nodes, lost ones included, for each operation that clients began: broadcasts, reads and the final reads. Acknowledgements count; requests of clients, init and topology do not. As Maelstrom counts it."],
  ["Stable latency", "How long a value that was known was still missing in some client’s read, in whole milliseconds; 0 if no read missed it. As Maelstrom counts it: it depends on who read when, and comes out lower than the truth."],
  ["Propagation", "From the arrival of a value’s broadcast at a node until the last live node has it, seen by probing nodes. Live are nodes that neither are down nor paused at the end. A killed node’s copy is gone: what counts is when its last life got the value."],
  ["At best, excess", "When the value could first have been everywhere under this very run’s faults, straight or over one relay at the mean latency, and how much longer it took. It can be negative: two relays around a cut, or luck with latencies."],
  ["Availability", "The share of operations that succeeded."],
  ["Lost, never read", "Lost: known, and missing in the last read that tells. Never read: no read tells of it. Orphaned: acknowledged, but every node that had it was killed before it could leave."],
  ["Quantiles", "Elements of the sorted list, none interpolated: the median of two is the greater one."],
];

function showFooter() {
  const files = run.files.map((file) => [el("dt", {}, el("a", { href: file.name }, file.name)), el("dd", {}, `${file.what} (${bytes(file.bytes)})`)]);
  if (run.has_node_logs) files.push([el("dt", {}, el("a", { href: "node-logs/" }, "node-logs/")), el("dd", {}, "what each node wrote to stderr")]);
  document.getElementById("page").append(
    el(
      "footer",
      { class: "end", id: "about" },
      el("h2", {}, "What the figures mean"),
      el("dl", {}, DEFINITIONS.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
      el("h2", {}, "Files of this run"),
      el("dl", {}, files),
    ),
  );
}
