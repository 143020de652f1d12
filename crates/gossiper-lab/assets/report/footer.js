// How the figures are defined, and what else the folder holds.

/** What each figure means: name, text, and whether it is one of broadcasts only. */
const DEFINITIONS = [
  ["Messages per operation", "Messages sent between nodes, lost ones included, for each operation that clients began: broadcasts, reads and the final reads. Acknowledgements count; requests of clients, init and topology do not. As Maelstrom counts it.", true],
  ["Stable latency", "How long a value that was known was still missing in some client’s read, in whole milliseconds; 0 if no read missed it. As Maelstrom counts it: it depends on who read when. Without faults it mostly comes out lower than the truth, since nobody reads at every node all the time. It can also come out higher: a read at a node that was killed and does not have the value again, or never gets it, counts although all others have it.", true],
  ["Propagation", "From the arrival of a value’s broadcast at a node until the last live node has it, seen by probing nodes. Live are nodes that neither are down nor paused at the end. A killed node’s copy is gone: what counts is when its last life got the value. Values that some live node was never seen to have are counted as “never everywhere”, and are in no quantile.", true],
  ["At best, excess", "When the value could first have been everywhere under this very run’s faults, straight or over one relay at the mean latency, and how much longer it took. Excess can be negative: two relays around a cut, or luck with latencies.", true],
  ["Availability", "The share of operations that succeeded."],
  ["ok, failed, unknown", "Failed operations certainly had no effect. Unknown: the client got no answer in time, or an error that leaves it open."],
  ["Stable, lost, never read, orphaned", "Stable: the last read that tells has the value. Lost: it was known, and the last read that tells, begun later, lacks it. Never read: no read tells of it. Orphaned: acknowledged, but every node that had it was killed before it could leave.", true],
  ["Phases", "After the load comes the drain: operations that were begun may still end. Then all faults stop, and a quiet follows in which nodes recover; then come the final reads.", true],
  ["Cut off, lost, while down, overflow", "Why messages to a node did not arrive: a partition cut the link; the network lost them by chance, as asked; the node was down when they were due; too many already waited for the node, so that the network had no room."],
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
      el("dl", {}, DEFINITIONS.filter(([, , isOfBroadcasts]) => hasBroadcasts || !isOfBroadcasts).map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
      el("h2", {}, "Files of this run"),
      el("dl", {}, files),
    ),
  );
}
