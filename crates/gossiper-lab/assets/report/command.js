// The command that repeats a run.

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

/** A command, to be read and copied. */
function commandBox(command) {
  const button = el("button", { type: "button", "aria-live": "polite" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(command)) ? "Copied" : "Select and copy by hand";
    setTimeout(() => (button.textContent = "Copy"), 2500);
  });
  return el(
    "div",
    { class: "command" },
    el("pre", { tabindex: "0", "aria-label": "Command that repeats the run" }, command),
    button,
  );
}
