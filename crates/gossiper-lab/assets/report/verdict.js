// The verdict, what was run, and how to run it again.

const verdictWord = results.valid === true ? "valid" : results.valid === false ? "invalid" : "unknown";

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

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages from files are not always given the clipboard; the older way needs a selection.
    const area = el("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function showCommand() {
  const button = el("button", { type: "button", "aria-live": "polite" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(plan.command)) ? "Copied" : "Select and copy by hand";
    setTimeout(() => (button.textContent = "Copy"), 2500);
  });
  return el(
    "div",
    { class: "command" },
    el("pre", { tabindex: "0", "aria-label": "Command that repeats the run" }, plan.command),
    button,
  );
}

/** What a verdict without reasons says. */
function noReason() {
  if (results.valid !== true) return "The results give no reason.";
  return plan.workload === "broadcast"
    ? "No value that anybody knew of was lost, some were seen to stay, and all answers were as they should be."
    : "All answers were as they should be.";
}

function showVerdict() {
  const word = verdictWord[0].toUpperCase() + verdictWord.slice(1);
  document.title = `${word}: ${results.challenge ? `challenge ${results.challenge.name}` : plan.workload}, seed ${run.seed}`;
  document.getElementById("brand").append(
    icon(["M12 4v5M12 9l-6 6M12 9l6 6", "M12 2a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M5 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4", "M19 15a2 2 0 1 1 0 4a2 2 0 1 1 0-4"]),
    el("span", {}, "gossiper test"),
  );
  const head = el("header", {}, icon(SIGNS[verdictWord], { class: "sign" }), el("h1", {}, word));
  if (results.challenge) {
    head.append(el("p", { class: "challenge" }, el("strong", {}, `Challenge ${results.challenge.name}`), results.challenge.title));
  }
  const panel = el("div", { class: `panel verdict ${verdictWord}`, id: "verdict" }, head);
  const reasons = results.reasons.length ? results.reasons : [noReason()];
  panel.append(el("ul", { class: "reasons" }, reasons.map((reason) => el("li", {}, reason))));
  panel.append(el("p", { class: "about" }, aboutRun()), facts(), showCommand());
  document.getElementById("page").append(panel);
}
