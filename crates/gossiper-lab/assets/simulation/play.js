// Plays the small cluster: forward, back, step by step, on keys and buttons.

/** How fast it plays: simulated ms a second. */
const SPEEDS = [[25, "40 times slower"], [100, "10 times slower"], [250, "4 times slower"], [1000, "as fast as it is"]];

/** How much faster it goes while nothing is under way. */
const IDLE_FACTOR = 12;

/** Without motion it goes from moment to moment, one in so many ms. */
const STILL_MS = 900;

function showPlay() {
  if (!run.cases) return;
  const holder = section("play", "A value spreads", null);
  const cases = run.cases.filter((one) => one.played);
  if (!cases.length || !cases[0].played.runs.some((one) => one.trace.deliveries.length)) {
    holder.append(absent("There is nothing to play: no value is broadcast, or the faults name nodes that a small cluster does not have."));
    return;
  }
  const { nodes, is_whole: isWhole } = cases[0].played;
  holder.append(el("p", { class: "lead" }, isWhole
    ? `The run itself, message by message.`
    : `A cluster of ${count(nodes, "node")} with the same settings and some values of its own, message by message.`));
  new Player(holder, cases);
}

class Player {
  constructor(holder, cases) {
    this.cases = cases;
    this.case = 0;
    const strategies = cases[0].played.runs.map((one) => one.strategy);
    this.strategy = Math.max(strategies.indexOf("hybrid"), 0);
    this.t = 0;
    this.speed = 1;
    this.hasTalk = false;
    this.follow = null;
    this.loaded = new Map();
    this.stillness = matchMedia("(prefers-reduced-motion: reduce)");

    const button = (label, sign, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: act }, icon(sign));
    this.playButton = el("button", { type: "button", class: "go", onclick: () => this.toggle() });
    this.slider = el("input", { type: "range", min: 0, value: 0, step: 1, "aria-label": "Time" });
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value) * 1000));
    this.clock = el("output", { class: "clock" });
    this.stage = el("div", { class: "cluster", tabindex: "0", role: "group", "aria-label": "The cluster. Space plays and stops, arrows go to the moment before and after, Home and End to the begin and the end" });
    this.words = el("ol", { class: "words", "aria-live": "polite" });
    this.progress = el("ul", { class: "progress" });
    this.valueSelect = el("select", {});
    this.valueSelect.addEventListener("change", () => {
      this.follow = this.valueSelect.value === "" ? null : Number(this.valueSelect.value);
      this.draw();
    });
    const talk = el("input", { type: "checkbox" });
    talk.addEventListener("change", () => {
      this.hasTalk = talk.checked;
      this.draw();
    });
    const select = (options, chosen, change) => choice(options, chosen, (place) => {
      change(place);
      this.load();
    });
    const filters = el("div", { class: "tools filters" },
      labelled("Protocol", select(strategies, this.strategy, (place) => (this.strategy = place))),
      cases.length > 1 ? labelled("Faults", select(cases.map((one) => one.name), 0, (place) => (this.case = place))) : null,
      labelled("Follow", this.valueSelect),
      labelled("Speed", choice(SPEEDS.map(([, name]) => name), this.speed, (place) => (this.speed = place))),
      el("label", { class: "check" }, talk, "answers and comparisons"));
    const controls = el("div", { class: "tools controls" },
      button("To the begin (Home)", ["M19 5l-10 7l10 7z", "M5 5v14"], () => this.go(0)),
      button("A moment back (left arrow)", ["M17 5l-10 7l10 7z"], () => this.step(-1)),
      this.playButton,
      button("A moment on (right arrow)", ["M7 5l10 7l-10 7z"], () => this.step(1)),
      button("To the end (End)", ["M5 5l10 7l-10 7z", "M19 5v14"], () => this.go(this.played.end)),
      this.slider,
      this.clock);
    this.panel = el("div", { class: "panel player" }, filters,
      el("div", { class: "theater" },
        el("div", { class: "seen" }, this.stage, controls),
        el("div", { class: "told" }, el("h3", {}, "At this moment"), this.words, el("h3", {}, "Who has it"), this.progress, this.legend())));
    holder.append(this.panel);
    this.picture = new Picture(this.stage);
    this.load();
    this.showPlaying();

    document.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(inFrame(() => {
      this.picture.measure();
      this.draw();
    })).observe(this.stage);
  }

  /** Takes up the run that is chosen. */
  load() {
    const { played } = this.cases[this.case];
    const key = `${this.case} ${this.strategy}`;
    if (!this.loaded.has(key)) this.loaded.set(key, new Played(played.runs[this.strategy], played.nodes));
    this.played = this.loaded.get(key);
    this.t = Math.min(this.t, this.played.end);
    this.slider.max = Math.ceil(this.played.end / 1000);
    if (!this.played.values.includes(this.follow)) this.follow = null;
    this.valueSelect.replaceChildren(
      el("option", { value: "", selected: this.follow === null }, "the newest value"),
      ...this.played.values.map((value) => el("option", { value, selected: value === this.follow }, `value ${value}`)));
    this.picture.set(this.played, placesOf(played.nodes, played.tree));
    this.draw();
  }

  get isPlaying() {
    return this.playing !== undefined;
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.play();
  }

  play() {
    if (this.t >= this.played.end) this.t = 0;
    const token = {};
    this.playing = token;
    this.showPlaying();
    let before = performance.now();
    const tick = (now) => {
      if (this.playing !== token) return;
      const passed = Math.max(now - before, 0);
      if (this.stillness.matches) {
        if (passed >= STILL_MS) {
          before = now;
          if (!this.step(1, true)) return this.stop();
        }
      } else {
        // A page that was hidden does not catch up.
        this.advance(Math.min(passed, 100));
        before = now;
        if (this.t >= this.played.end) return this.stop();
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = undefined;
    this.showPlaying();
    this.draw();
  }

  /** Lets so much of the reader's time pass. */
  advance(passedMs) {
    const isBusy = this.played.messages.some((one) => one.at <= this.t && this.t < one.arrives && (this.hasTalk || !WAYS[one.way].isTalk));
    const by = passedMs * SPEEDS[this.speed][0];
    const moments = this.played.told[this.hasTalk];
    const next = moments[this.played.placeOf(this.t, this.hasTalk) + 1]?.at ?? this.played.end;
    // Nothing is passed over in one leap.
    const to = isBusy ? this.t + by : Math.min(this.t + by * IDLE_FACTOR, Math.max(next, this.t + by));
    this.t = Math.min(to, this.played.end);
    this.draw();
  }

  go(t) {
    this.playing = undefined;
    this.t = Math.min(Math.max(t, 0), this.played.end);
    this.showPlaying();
    this.draw();
  }

  /** To the next moment at which something happens, or to the one before. Says whether there is one. */
  step(by, keepsPlaying) {
    const moments = this.played.told[this.hasTalk];
    const here = this.played.placeOf(this.t, this.hasTalk);
    const isOn = here >= 0 && moments[here].at === this.t;
    const place = by > 0 ? here + 1 : isOn ? here - 1 : here;
    if (!moments[place]) {
      if (by < 0 && !keepsPlaying) this.go(0);
      return false;
    }
    if (keepsPlaying) {
      this.t = moments[place].at;
      this.draw();
    } else this.go(moments[place].at);
    return true;
  }

  onKey(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isInside = this.panel.contains(target);
    const box = this.panel.getBoundingClientRect();
    const isSeen = box.top < innerHeight * 0.7 && box.bottom > innerHeight * 0.3;
    if (!isInside && !(target === document.body && isSeen)) return;
    if (target.tagName === "SELECT" || (key === " " && (target.tagName === "BUTTON" || target.type === "checkbox"))) return;
    const does = {
      " ": () => this.toggle(), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      Home: () => this.go(0), End: () => this.go(this.played.end),
    }[key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  showPlaying() {
    const label = this.isPlaying ? "Stop" : "Play";
    this.playButton.replaceChildren(icon(this.isPlaying ? ["M8 5v14", "M16 5v14"] : ["M7 4l13 8l-13 8z"]), label);
    this.playButton.setAttribute("aria-label", `${label} (space)`);
    // Read aloud is what was asked for, not every moment of a play.
    this.words.setAttribute("aria-live", this.isPlaying ? "off" : "polite");
  }

  /** The value that is followed: the one chosen, or the newest. */
  followed() {
    if (this.follow !== null) return this.follow;
    const begun = this.played.deliveries.filter((one) => !one.message && one.at <= this.t);
    return begun.length ? begun.at(-1).value : (this.played.values[0] ?? 0);
  }

  draw() {
    const value = this.followed();
    const isStill = this.stillness.matches;
    const state = this.picture.show(this.t, { value, hasTalk: this.hasTalk, isStill });
    this.slider.value = Math.round(this.t / 1000);
    this.slider.setAttribute("aria-valuetext", ms(this.t / 1000));
    this.clock.textContent = `${(this.t / 1e6).toFixed(3)} s`;
    this.tell(state, value);
  }

  /** What happens now, after what came before it; and how far each value is. */
  tell(state, value) {
    const moments = this.played.told[this.hasTalk];
    const here = this.played.placeOf(this.t, this.hasTalk);
    const shown = here < 0 ? [] : [moments[here], moments[here - 1], moments[here - 2], moments[here - 3]].filter(Boolean);
    const key = `${this.case} ${this.strategy} ${this.hasTalk} ${here}`;
    if (key !== this.toldKey) {
      this.toldKey = key;
      this.words.replaceChildren(...shown.map((moment, place) => el("li", { class: place ? "past" : "now" },
        el("span", { class: "when" }, ms(moment.at / 1000)),
        moment.sentences.slice(0, place ? 2 : 5).map(({ text, strong, bad }) => el("p", { class: bad ? "bad" : strong ? "strong" : "" }, text)),
        moment.sentences.length > (place ? 2 : 5) ? el("p", { class: "small" }, `and ${num(moment.sentences.length - (place ? 2 : 5))} more`) : null)));
      if (!shown.length) this.words.append(el("li", { class: "past" }, "Nothing yet."));
      const sentence = shown[0]?.sentences[0]?.text ?? "nothing yet";
      this.picture.root.setAttribute("aria-label", `The cluster: ${sentence}`);
    }
    const up = state.nodes.filter((node) => !node.isDown).length;
    const rows = this.played.values.map((one) => [one, state.nodes.filter((node) => node.held.has(one)).length]);
    const progressKey = JSON.stringify([rows, up, value, state.network, this.played.strategy]);
    if (progressKey === this.progressKey) return;
    this.progressKey = progressKey;
    this.progress.replaceChildren(...rows.map(([one, holders]) => {
      const bar = el("i", {});
      bar.style.width = `${up ? (holders / up) * 100 : 0}%`;
      return el("li", { class: one === value ? "followed" : "" }, el("span", {}, `value ${one}`), el("span", { class: "meter" }, bar), el("span", {}, `${holders} of ${up}`));
    }));
    if (state.network) this.progress.append(el("li", { class: "network" }, state.network));
    if (this.played.isCut) this.progress.append(el("li", { class: "network" }, "There was more than the page holds."));
  }

  legend() {
    const list = el("ul", { class: "legend ways", "aria-label": "What is what" });
    const fill = () => list.replaceChildren(
      ...Object.values(WAYS).map((way) => el("li", {}, el("span", { class: "key" }, swatch(way), way.name))),
      el("li", {}, el("span", { class: "key" }, swatch({ color: "bad", mark: "cross" }), "crashed, lost")));
    fill();
    onTheme(fill);
    return list;
  }
}
