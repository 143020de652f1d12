// Exercises the page of a simulation as a reader would and tells its frame what it found.

(async () => {
  const found = { errors: window.caught };
  // Timers run in virtual time, so waiting costs nothing.
  const rest = (ms = 60) => new Promise((done) => requestAnimationFrame(() => setTimeout(done, ms)));
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const isDrawn = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3]) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return seen.size > 4;
  };
  const labelled = (control) => Boolean(control.getAttribute("aria-label") || control.textContent.trim() || control.closest("label"));
  const pick = async (select, text) => {
    select.value = [...select.options].find((option) => option.textContent.includes(text)).value;
    select.dispatchEvent(new Event("change"));
    await rest();
  };
  try {
    await rest();
    found.theme = document.documentElement.dataset.theme;
    found.h1 = all("h1").length;
    found.sections = all("main section[id]").map((section) => section.id);
    found.notices = all(".notice").map((notice) => notice.textContent);
    found.charts = all(".plot canvas").length;
    found.blank = all("canvas").filter((canvas) => !isDrawn(canvas)).length;
    found.overflow = document.documentElement.scrollWidth - innerWidth;
    found.unlabelled = all("button, input, select").filter((control) => !labelled(control)).length;
    found.captions = all("table").filter((table) => !table.caption?.textContent).length;
    found.foreign = all("img, iframe, object, embed, link, script[src]").length;
    found.rows = all("#figures tbody tr").length;

    // All panels show the same stretch, and one legend hides a protocol in each of them.
    const pictures = () => all("#coverage canvas").map((canvas) => canvas.toDataURL());
    const before = pictures();
    found.firstLines = before.length;
    one("#coverage .legend button").click();
    await rest();
    found.hiddenEverywhere = pictures().filter((picture, place) => picture !== before[place]).length;
    one("#coverage .legend button").click();
    await rest();
    // What is written along the axis of powers of ten.
    const told = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
      told.push(text);
      fillText.call(this, text, ...where);
    };
    const logButton = all("#coverage .tools > button").find((button) => button.textContent === "log time");
    for (let times = 0; times < 2; times += 1) {
      told.length = 0;
      logButton.click();
      await rest();
      if (logButton.getAttribute("aria-pressed") === "true") found.ticks = told.filter((text) => / m?s$/.test(text)).length;
    }
    CanvasRenderingContext2D.prototype.fillText = fillText;
    for (const button of all("#coverage .tools > button")) {
      button.click();
      await rest();
    }
    found.choices = all("#sweep select").map((select) => [...select.options].map((option) => option.textContent));
    const charts = () => all("#sweep canvas").map((canvas) => canvas.toDataURL());
    const chartsBefore = charts();
    for (const select of all("#sweep select, #coverage select")) {
      select.selectedIndex = select.options.length - 1;
      select.dispatchEvent(new Event("change"));
      await rest();
    }
    found.chartsChanged = charts().filter((picture, place) => picture !== chartsBefore[place]).length;
    found.chartsAfter = all(".plot canvas").length;
    found.blank += all("canvas").filter((canvas) => !isDrawn(canvas)).length;

    if (one("#play")) {
      const stage = one(".cluster");
      const key = async (name) => {
        stage.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
        await rest();
      };
      const state = () => `${one(".clock").textContent} ${one(".words").textContent}`;
      const isPlaying = () => one(".go").textContent === "Stop";
      found.start = state();
      await key("ArrowRight");
      found.stepped = state();
      await key("ArrowLeft");
      found.back = state();
      await key(" ");
      await rest(700);
      found.playing = [isPlaying()];
      found.moved = state();
      await key(" ");
      found.playing.push(isPlaying());
      found.stopped = state();
      await rest(300);
      found.stoppedLater = state();
      await key("End");
      found.end = state();
      found.everywhere = [...new Set(all(".progress li span:last-child").map((cell) => cell.textContent))];
      await key("Home");
      found.home = state();
      found.nodes = all(".cluster text.node").length;
      // Each way is seen somewhere, when what is lost or crashed is mended.
      const ways = new Set();
      const [protocol, faults] = all(".player select");
      await pick(protocol, "hybrid");
      await pick(faults, "loss");
      for (const moment of ["", "gossip"]) {
        if (moment) await pick(protocol, moment);
        for (let step = 0; step < 400; step++) {
          const before = state();
          stage.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
          for (const path of all(".cluster path")) ways.add((/--([a-z0-9-]+)/.exec(path.getAttribute("stroke")) || [])[1]);
          if (before === state()) break;
        }
        await key("Home");
      }
      found.ways = [...ways];
      await pick(faults, "Crashed");
      await key("End");
      found.crashed = all('.cluster circle[stroke-dasharray="3 3"]').length;
      one(".player input[type=checkbox]").click();
      await key("ArrowLeft");
      const slider = one(".player input[type=range]");
      slider.value = Number(slider.max) / 2;
      slider.dispatchEvent(new Event("input"));
      await rest();
    }
    one("#theme").click();
    await rest();
    found.requests = performance.getEntriesByType("resource").length;
    found.refused = window.refused;
    found.hacked = window.hacked === undefined ? 0 : 1;
  } catch (error) {
    found.errors.push(`exercise: ${error} ${error.stack}`);
  }
  // What a serialized page would escape is of no interest.
  parent.postMessage(JSON.stringify(found).replace(/[&<>]/g, "?"), "*");
})();
