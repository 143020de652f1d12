// How the run ended, if it did so before its time.

/** Nothing for a run that came to its end, else {at, text, nodes}: seconds, words, and places. */
const ending = (() => {
  const { main, drain, final, end } = results.phases_ms;
  // What nodes wrote begins at a reason’s second line.
  const sentences = results.reasons.map((reason) => reason.split("\n", 1)[0]);
  const isTold = sentences.some((sentence) => /^The run (ended|was interrupted) /.test(sentence));
  const isWhole = typeof drain === "number" && (plan.workload === "echo" || typeof final === "number");
  if (!isTold && (isWhole || typeof end !== "number")) return null;
  const nodes = names.map((_, place) => place).filter((place) => sentences.some((sentence) => {
    const rest = sentence.replace(/^The run ended [^:]*: /, "");
    return rest.startsWith(`${names[place]} ended by itself`);
  }));
  const named = nodes.length > 3 ? `${num(nodes.length)} nodes` : nodes.map(nameOf).join(", ");
  const wasStopped = sentences.some((sentence) => sentence.startsWith("The run was interrupted"));
  const text = nodes.length ? `${named} ended by ${nodes.length > 1 ? "themselves" : "itself"}` : wasStopped ? "interrupted" : "the run ended";
  return { at: typeof end === "number" ? end / 1000 : null, text, nodes, isSetUp: typeof main !== "number" };
})();

const isEcho = plan.workload === "echo";

/** Whether the run has figures of broadcasts: there are none in an echo, nor before nodes are up. */
const hasBroadcasts = !isEcho && !ending?.isSetUp;

/** What became of a value, in words, and its color. */
const VALUE_FATES = {
  stable: ["stable", "good"],
  lost: ["lost", "bad"],
  "never-read": ["never read", "unsure"],
  orphaned: ["orphaned", "type-3"],
};
const fateWord = (fate) => (VALUE_FATES[fate] || [fate])[0];
