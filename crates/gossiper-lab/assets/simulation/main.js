// Puts the page together. A part that fails says so in its place and leaves the others alone.

const SECTIONS = [
  ["run-head", "Run", showHead],
  ["sweep", "Charts", showSweep],
  ["coverage", "Coverage", showCoverage],
  ["figures", "Figures", showFigures],
  ["play", "Play", showPlay],
  ["about", "About", showFooter],
];

startTheme();
for (const [id, title, show] of SECTIONS) {
  try {
    show();
  } catch (error) {
    document.getElementById("page").append(el("p", { class: "notice", role: "alert" }, `“${title}” could not be shown: ${error}.`));
    // The page's own test, and whoever looks at the console, should learn of it.
    reportError(error);
  }
  // Some parts have nothing to show in some runs.
  if (document.getElementById(id)) document.getElementById("sections").append(el("a", { href: `#${id}` }, title));
}
