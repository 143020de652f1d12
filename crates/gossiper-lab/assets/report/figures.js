// The key figures as tiles: first those that a challenge limits, then all others.

function tile(name, number, unit, note, more) {
  const shown = el("div", { class: "number" }, number);
  if (unit) shown.append(el("small", {}, unit));
  return el(
    "div",
    { class: `panel tile ${more?.class || ""}` },
    el("div", { class: "name" }, el("span", {}, name), more?.badge || ""),
    shown,
    more?.meter || null,
    note ? el("div", { class: "note" }, note) : null,
  );
}

function limitTile(limit) {
  const unit = limit.unit;
  const isTime = unit === "ms";
  const say = (value) => (isTime ? ms(value) : `${num(value)}${unit ? ` ${unit}` : ""}`);
  const isOwn = deviations.length === 0;
  const badge = isOwn
    ? el("span", { class: "badge" }, icon(limit.passed ? SIGNS.valid : SIGNS.invalid), limit.passed ? "passed" : "failed")
    : el("span", { class: "badge" }, limit.measured === null ? "no figure" : limit.passed ? "below the limit" : "not below the limit");
  const [number, ...rest] = say(limit.measured).split(" ");
  let meter = null;
  if (limit.measured !== null && limit.limit > 0) {
    // The scale ends where the limit stands at three quarters, or at the figure if that is farther.
    const end = Math.max(limit.limit / 0.75, limit.measured);
    const bar = el("i", {});
    bar.style.width = `${(Math.max(0, limit.measured) / end) * 100}%`;
    const mark = el("b", {});
    mark.style.left = `${(limit.limit / end) * 100}%`;
    meter = el("div", { class: "meter", "aria-hidden": "true" }, bar, mark);
  }
  const used = limit.measured !== null && limit.limit > 0 ? limit.measured / limit.limit : null;
  const share = used === null ? "" : used <= 1 ? `, ${Math.round(used * 100)} % of it` : `, ${num(used)} times as much`;
  const note = limit.measured === null ? `limit ${say(limit.limit)}, and nothing was measured` : `limit ${say(limit.limit)}${share}`;
  return tile(limit.what[0].toUpperCase() + limit.what.slice(1), number, rest.join(" "), note, { class: isOwn ? (limit.passed ? "passed" : "failed") : "compared", badge, meter });
}

/** A tile of a time. */
function timeTile(name, value, note) {
  const [number, unit] = ms(value).split(" ");
  return tile(name, number, unit, note);
}

function showFigures() {
  // A run that ended before anything was asked has none.
  if (ending?.isSetUp && !results.ops.invoked) return;
  const holder = section("figures", "Key figures");
  if (results.challenge?.limits.length) {
    holder.append(el("div", { class: "tiles" }, results.challenge.limits.map(limitTile)));
  }
  const { ops, net, set } = results;
  const at = (quantiles, key) => (quantiles ? quantiles[key] : null);
  const limited = new Set((results.challenge?.limits || []).map((limit) => limit.figure));
  const tiles = [
    ["net.servers.msgs_per_op", tile("Messages per operation", num(net.servers.msgs_per_op), "", `${num(net.servers.messages)} between nodes, ${bytes(net.servers.bytes)}`)],
    ["availability", tile("Availability", ops.invoked ? percent(results.availability) : "–", "", `${num(ops.ok)} of ${num(ops.invoked)} ok, ${num(ops.failed)} failed, ${num(ops.unknown)} unknown`)],
  ];
  if (isEcho) {
    if (!net.servers.messages) tiles.shift();
    tiles.push(...latencyTiles("echo"));
  }
  if (hasBroadcasts) {
    const stable = results.stable_latency_ms;
    tiles.push(
      ["stable_latency_ms.0.5", timeTile("Stable latency, median", at(stable, "0.5"), "as Maelstrom counts it")],
      ["stable_latency_ms.1", timeTile("Stable latency, maximum", at(stable, "1"), `95 %: ${ms(at(stable, "0.95"))}, 99 %: ${ms(at(stable, "0.99"))}`)],
      ["propagation_ms.0.5", timeTile("Propagation, median", at(results.propagation_ms, "0.5"), `at best ${ms(at(results.ideal_ms, "0.5"))}${notEverywhere()}`)],
      ["propagation_ms.1", timeTile("Propagation, maximum", at(results.propagation_ms, "1"), `at best ${ms(at(results.ideal_ms, "1"))}${notEverywhere()}`)],
      ["excess_ms.0.5", timeTile("Excess over the ideal, median", at(results.excess_ms, "0.5"), `maximum ${ms(at(results.excess_ms, "1"))}`)],
      ["set.lost", tile("Lost values", num(set.lost), `of ${num(set.attempted)}`, lossNote(set), set.lost > 0 ? { class: "failed", badge: el("span", { class: "badge" }, icon(SIGNS.invalid), "lost") } : undefined)],
    );
  }
  // What a limit's tile shows already is not shown twice.
  const others = tiles.filter(([figure]) => !limited.has(figure)).map(([, shown]) => shown);
  holder.append(el("div", { class: "tiles" }, others));
}

/** How propagation was seen without probes, or how many values are in no figure of it, since some node never had them. */
function notEverywhere() {
  if (!plan.probes) return "; seen only where clients happened to read";
  if (!results.incomplete) return "";
  return `; of ${num(run.values?.total ?? results.set.attempted)} values, ${num(results.incomplete)} never everywhere`;
}

/** How long clients waited for what succeeded. */
function latencyTiles(name) {
  const waited = run.operations?.functions.find((one) => one.function === name)?.latency_ms;
  if (!waited) return [];
  return [
    [null, timeTile("Latency, median", waited["0.5"], `95 %: ${ms(waited["0.95"])}, 99 %: ${ms(waited["0.99"])}`)],
    [null, timeTile("Latency, maximum", waited["1"], "from question to answer, of those that succeeded")],
  ];
}

function lossNote(set) {
  const parts = [`${num(set.stable)} stable`];
  if (set.never_read) parts.push(`${num(set.never_read)} never read`);
  if (set.orphaned) parts.push(`${num(set.orphaned)} orphaned`);
  if (set.duplicated) parts.push(`${num(set.duplicated)} twice in a read`);
  return parts.join(", ");
}
