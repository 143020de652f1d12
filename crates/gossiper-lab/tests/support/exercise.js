// Exercises the page as a reader would and tells its frame what it found.

(async () => {
  const found = { errors: window.caught };
  // Timers run in virtual time, so waiting costs nothing.
  const rest = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)));
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const isDrawn = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3]) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return seen.size > 4;
  };
  const labelled = (control) => Boolean(control.getAttribute("aria-label") || control.textContent.trim() || control.closest("label"));
  const button = (scope, label) => all(`${scope} button`).find((made) => made.textContent === label || made.getAttribute("aria-label") === label);
  try {
    await rest();
    found.width = innerWidth;
    found.theme = document.documentElement.dataset.theme;
    found.verdict = one("h1").textContent;
    found.h1 = all("h1").length;
    found.title = document.title;
    found.sections = all("main section[id]").map((section) => section.id);
    found.notices = all(".notice").map((notice) => notice.textContent);
    found.cautions = all(".caution").map((caution) => caution.textContent);
    found.lastWords = all(".reasons pre").map((words) => words.textContent);
    found.badges = all(".badge").map((badge) => badge.textContent);
    found.moments = all(".moments button").map((made) => made.textContent);
    found.absent = all(".absent").length;
    found.charts = all(".plot canvas").length;
    found.canvases = all("canvas").length;
    found.blank = all("canvas").filter((canvas) => !isDrawn(canvas)).length;
    found.overflow = document.documentElement.scrollWidth - innerWidth;
    found.unlabelled = all("button, input, select, canvas[tabindex]").filter((control) => !labelled(control)).length;
    found.captions = all("table").filter((table) => !table.caption?.textContent).length;
    found.foreign = all("img, iframe, object, embed, link, script[src]").length;

    const hint = one("#time .hint");
    if (hint && found.charts > 1) {
      const range = () => hint.textContent;
      button("#time", "Whole run").click();
      await rest();
      found.whole = range();
      button("#time", "Zoom in").click();
      await rest();
      found.zoomed = range();
      one("#time .plot").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      await rest();
      found.panned = range();
      const over = all("#time .u-over").at(-1);
      const box = over.getBoundingClientRect();
      const mouse = (type, share, to) => to.dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: box.left + box.width * share, clientY: box.top + 20, movementX: 9, button: 0 }));
      mouse("mouseenter", 0.2, over);
      mouse("mousemove", 0.2, over);
      mouse("mousedown", 0.2, over);
      mouse("mousemove", 0.5, over);
      await rest();
      mouse("mouseup", 0.5, document);
      await rest();
      found.dragged = range();
      mouse("mousemove", 0.4, over);
      await rest();
      found.tips = all("#time .tip:not([hidden])").length;
      found.tip = one("#time .tip:not([hidden])")?.textContent ?? "";
      const touch = (type, id, share) => over.dispatchEvent(new PointerEvent(type, { pointerId: id, pointerType: "touch", bubbles: true, clientX: box.left + box.width * share, clientY: box.top + 20 }));
      touch("pointerdown", 1, 0.4);
      touch("pointerdown", 2, 0.6);
      touch("pointermove", 1, 0.2);
      touch("pointermove", 2, 0.8);
      touch("pointerup", 1, 0.2);
      touch("pointerup", 2, 0.8);
      await rest();
      found.pinched = range();
      mouse("dblclick", 0.4, over);
      await rest();
      found.reset = range();
    }

    // Every switch of every chart, there and back.
    for (const made of all(".chart .side button, .chart .legend button")) {
      const { title, textContent } = made;
      const again = () => all(`.chart .side button, .chart .legend button`).find((other) => other.title === title && other.textContent === textContent);
      made.click();
      await rest();
      again()?.click();
      await rest();
      found.switches = (found.switches ?? 0) + 1;
    }
    found.blankAfter = all(".plot canvas").filter((canvas) => !isDrawn(canvas)).length;
    found.chartsAfter = all(".plot canvas").length;

    const canvas = one(".stage canvas");
    if (canvas) {
      const status = () => one(".diagram .hint").textContent;
      const stretch = () => status().split(" · ")[0];
      const messages = () => Number(status().split(" · ")[1].replace(/\D/g, ""));
      const keep = (name) => (found[name] = stretch());
      keep("stretch");
      button(".diagram", "Zoom in").click();
      await rest();
      keep("stretchZoomed");
      canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 300, ctrlKey: true, bubbles: true, cancelable: true, clientX: 200, clientY: 100 }));
      await rest();
      keep("stretchWheeled");
      canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      await rest();
      keep("stretchKeyed");
      const at = canvas.getBoundingClientRect();
      const finger = (type, id, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: id, pointerType: "touch", bubbles: true, clientX: at.left + x, clientY: at.top + y, button: 0 }));
      finger("pointerdown", 1, 250, 60);
      finger("pointermove", 1, 180, 60);
      finger("pointerup", 1, 180, 60);
      await rest();
      keep("stretchDragged");
      finger("pointerdown", 1, 150, 60);
      finger("pointerdown", 2, 200, 60);
      finger("pointermove", 1, 100, 60);
      finger("pointermove", 2, 260, 60);
      finger("pointerup", 1, 100, 60);
      finger("pointerup", 2, 260, 60);
      await rest();
      keep("stretchPinched");
      button(".diagram", "Whole run").click();
      await rest();
      found.messages = messages();
      const [type, node] = all(".diagram select");
      const pick = async (select, value) => {
        select.value = value;
        select.dispatchEvent(new Event("change"));
        await rest();
      };
      await pick(type, "0");
      found.messagesOfType = messages();
      await pick(type, "-1");
      await pick(node, "1");
      found.messagesOfNode = messages();
      await pick(node, "-1");
      const text = one(".diagram input[type=search]");
      text.value = "in no body at all";
      text.dispatchEvent(new Event("input"));
      await rest();
      found.messagesOfText = messages();
      text.value = "";
      text.dispatchEvent(new Event("input"));
      button(".diagram", "✕ dropped only").click();
      await rest();
      found.messagesDropped = messages();
      button(".diagram", "✕ dropped only").click();
      const clients = button(".diagram", "Clients");
      if (clients) {
        const picture = () => canvas.toDataURL();
        await rest();
        const without = picture();
        clients.click();
        await rest();
        found.clientsDrawn = picture() === without ? 0 : 1;
      }
      const value = one(".diagram input[type=number]");
      value.value = "3";
      value.dispatchEvent(new Event("change"));
      await rest();
      found.followed = Number((/named by ([\d,]+)/.exec(status()) || ["", "0"])[1].replace(/,/g, ""));
      canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
      await rest();
      found.detail = one(".detail").textContent;
      found.blankDiagram = isDrawn(canvas) ? 0 : 1;
    }

    const heading = one("#nodes thead button");
    if (heading) {
      const names = () => all("#nodes tbody")[0].querySelectorAll("tr")[0].cells[0].textContent;
      heading.click();
      found.firstRow = names();
      heading.click();
      found.firstRowTurned = names();
      found.sorted = one("#nodes th[aria-sort]").getAttribute("aria-sort");
    }
    one("#theme").click();
    await rest();
    found.themes = [found.theme, one("#theme").textContent];
    found.requests = performance.getEntriesByType("resource").length;
    found.refused = window.refused;
    found.hacked = window.hacked === undefined ? 0 : 1;
  } catch (error) {
    found.errors.push(`exercise: ${error} ${error.stack}`);
  }
  // What a serialized page would escape is of no interest.
  parent.postMessage(JSON.stringify(found).replace(/[&<>]/g, "?"), "*");
})();
