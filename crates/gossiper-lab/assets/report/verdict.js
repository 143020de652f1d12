// The verdict, what was run, and how to run it again.

const verdictWord = results.valid === true ? "valid" : results.valid === false ? "invalid" : "unknown";

/** In what the run was not its challenge’s own. */
const deviations = results.challenge?.deviations || [];

/** What was run, in a line. */
function aboutRun() {
  const faults = plan.nemesis.length
    ? `with ${plan.nemesis.join(", ")} about every ${num(plan.nemesis_interval_s)} s`
    : "without planned faults";
  const target = plan.nemesis.length && plan.nemesis_target === "hub" ? " aimed at the hub" : "";
  return (
    `${count(names.length, "node")} of ${plan.program}, workload ${plan.workload}, ` +
    `${num(plan.time_limit_s)} s at ${num(plan.rate_hz)} operations a second, ${faults}${target}.`
  );
}

function facts() {
  const list = [
    ["seed", run.seed],
    ["topology", plan.topology],
    ["latency", `${ms(plan.latency_ms)} ${plan.latency_dist}`],
    ["clients", num(plan.concurrency)],
    ["operations", num(results.ops.invoked)],
  ];
  const host = results.host || {};
  if (host.started) list.push(["started", host.started]);
  if (typeof host.boot_ms === "number") list.push(["nodes up in", ms(host.boot_ms)]);
  if (host.lateness_ms) list.push(["deliveries late by, 99 %", ms(host.lateness_ms["0.99"])]);
  return el("ul", { class: "facts" }, list.map(([name, value]) => el("li", {}, el("b", {}, name), String(value))));
}

/** What a verdict without reasons says. */
function noReason() {
  if (results.valid !== true) return "The results give no reason.";
  return plan.workload === "broadcast"
    ? `No value went missing: whatever had been acknowledged or read was still there in the last read that could show it${unsure()}. No answer was wrong. ${plan.probes ? "What each node held is told by the probes, not by this." : "What each node held was not looked at: the run had no probes."}`
    : "Every echo was answered with the text that was sent.";
}

/** Values that the verdict says nothing of. */
function unsure() {
  const { never_read, orphaned } = results.set;
  const parts = [];
  if (never_read) parts.push(`${count(never_read, "value")} that no read tells of`);
  if (orphaned) parts.push(`${count(orphaned, "orphaned value")}, whose every copy was killed before it could leave`);
  return parts.length ? ` (not counted: ${parts.join(", and ")})` : "";
}

/** A reason: a sentence, and below it the lines that a node wrote, as it wrote them. */
function reasonItem(reason) {
  const end = reason.indexOf("\n");
  if (end < 0) return el("li", {}, reason);
  const words = reason.slice(end + 1);
  return el("li", {}, reason.slice(0, end), el("pre", { tabindex: "0", role: "region", "aria-label": "The node’s last lines" }, words));
}

/** Deliveries later than this, in ms, make the figures other than the network would. */
const LATE_MS = 10;

/** What a reader has to know before believing the figures. */
function cautions() {
  const told = [];
  const late = results.host?.lateness_ms?.["0.99"];
  if (late >= LATE_MS) {
    told.push(`This machine did not keep up: a hundredth of all messages were handed over ${ms(late)} late or more. Latencies are too high by about as much.`);
  }
  if (results.incomplete > 0 && plan.probes) {
    const n = results.incomplete;
    const of = run.values ? ` of ${num(run.values.total)}` : "";
    const early = ending ? " The run ended early: some of them may still have been on their way." : "";
    told.push(
      `${num(n)}${of} ${n === 1 && !of ? "value was" : "values were"} never seen at every node that was up at the end${whoLacks()}.${early} ` +
      "They are in no quantile of propagation and excess, while the ideal is over all values.",
    );
  }
  return told;
}

/** Which nodes lack how many values: ": n3 lacks 2, …". */
function whoLacks() {
  const lacked = (run.values?.lacked || []).map((many, node) => [many, node]).filter(([many]) => many > 0);
  if (!lacked.length) return "";
  lacked.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const named = lacked.slice(0, 8).map(([many, node], at) => (at ? `${nameOf(node)} ${num(many)}` : `${nameOf(node)} lacks ${num(many)}`));
  if (lacked.length > 8) named.push(`and ${count(lacked.length - 8, "more node")} up to ${num(lacked[8][0])}`);
  return `: ${named.join(", ")}`;
}

function showVerdict() {
  const word = verdictWord[0].toUpperCase() + verdictWord.slice(1);
  document.title = `${word}: ${results.challenge ? `${deviations.length ? "compared with " : ""}challenge ${results.challenge.name}` : plan.workload}, seed ${run.seed}`;
  document.getElementById("brand").append(
    icon(["M12 4v5M12 9l-6 6M12 9l6 6", "M12 2a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M5 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M19 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4"]),
    el("span", {}, "gossiper test"),
  );
  const head = el("header", {}, icon(SIGNS[verdictWord], { class: "sign" }), el("h1", {}, word));
  if (results.challenge) {
    head.append(el("p", { class: "challenge" }, el("strong", {}, deviations.length ? `Compared with challenge ${results.challenge.name}` : `Challenge ${results.challenge.name}`), results.challenge.title));
  }
  const panel = el("div", { class: `panel verdict ${verdictWord}`, id: "verdict" }, head);
  const reasons = results.reasons.length ? results.reasons : [noReason()];
  panel.append(el("ul", { class: "reasons" }, reasons.map(reasonItem)));
  if (deviations.length) {
    panel.append(el("p", { class: "caution" }, `This run is not challenge ${results.challenge.name} itself. Its limits stand below only to compare, with other parameters: ${deviations.join("; ")}.`));
  }
  panel.append(...cautions().map((text) => el("p", { class: "caution" }, el("strong", {}, "Mind: "), text)));
  panel.append(el("p", { class: "about" }, aboutRun()), facts(), commandBox(plan.command));
  document.getElementById("page").append(panel);
}
