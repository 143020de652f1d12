// The run that the page shows.

const run = JSON.parse(document.getElementById("run").textContent);
const results = run.results;
const plan = results.plan;
const names = plan.nodes;
const spanS = run.span_ms / 1000;
const nameOf = (place) => names[place] ?? "?";
