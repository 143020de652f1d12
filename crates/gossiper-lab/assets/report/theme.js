// Light or dark: as the system says, unless the reader or the address says otherwise.

const THEMES = ["auto", "light", "dark"];
const THEME_SIGNS = {
  auto: ["M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18"],
  light: ["M12 8a4 4 0 1 1 0 8a4 4 0 1 1 0-8", "M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"],
};
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const themeListeners = [];
let theme = "auto";

/** A color of the styles, by its name there. Cached until the theme changes. */
const colors = new Map();
function color(name) {
  if (!colors.has(name)) {
    colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return colors.get(name);
}

/** A color, let through. `alpha` is 0 to 1. */
function faint(name, alpha) {
  const hex = color(name).slice(1);
  const part = (at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(0)},${part(2)},${part(4)},${alpha})`;
}

const onTheme = (listener) => themeListeners.push(listener);

function showTheme() {
  const isDark = theme === "dark" || (theme === "auto" && systemIsDark.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  colors.clear();
  const button = document.getElementById("theme");
  button.replaceChildren(icon(THEME_SIGNS[theme]), el("span", {}, theme[0].toUpperCase() + theme.slice(1)));
  button.setAttribute("aria-label", `Colors: ${theme}. Switch to the next of ${THEMES.join(", ")}`);
  for (const listener of themeListeners) listener();
}

function startTheme() {
  // A page opened from a file may be denied its storage; then the choice lasts as long as the page.
  try {
    theme = localStorage.getItem("gossiper-theme") || "auto";
  } catch {}
  const fromAddress = location.hash.slice(1);
  if (fromAddress === "dark" || fromAddress === "light") theme = fromAddress;
  if (!THEMES.includes(theme)) theme = "auto";
  document.getElementById("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("gossiper-theme", theme);
    } catch {}
    showTheme();
  });
  systemIsDark.addEventListener("change", showTheme);
  showTheme();
}
