// The controls of the page: time, piano roll, traces of muscles.

const $ = (name) => document.getElementById(name);
const BEHIND = 2;
const SHOWN = 8;
const JUMP = 0.05;
const DRAW = 0.1;
const FRAMES_AHEAD = 1.25;
const LETTERS = ["L", "R"];
const SIDES = { l: "left", r: "right" };
const COLOURS = { hit: ["#56B4E9", "#0072B2", "#009E73"], missed: "#E69F00", extra: "#AA3377", brushed: "#5b6570" };
const KEY_COLOURS = { hit: [26, 173, 122], extra: [219, 84, 13], brushed: [230, 190, 60] };
const BLACK = [1, 3, 6, 8, 10];
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

const pitchName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
const minutes = (time) => {
  const tenths = Math.round(Math.abs(time) * 10);
  const seconds = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${time < 0 && tenths ? "−" : ""}${Math.floor(tenths / 600)}:${seconds}`;
};
const node = (name, attributes = {}, ...content) => {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...content);
  return made;
};

/** Tells the reader something; nothing for "". */
function say(words) {
  $("status").textContent = words;
  $("status").hidden = !words;
}

/** The time [s] after the first frame: that of the sound, or of a watch where no sound plays. */
class Clock {
  constructor(sound, length) {
    this.length = length;
    this.speed = 1;
    this.running = false;
    this.from = { time: 0, at: 0 };
    this.audio = new Audio(`data:audio/mpeg;base64,${sound}`);
    this.audio.preservesPitch = true;
    this.audio.preload = "auto";
    this.audio.addEventListener("error", () => {
      this.from = { time: this.time, at: performance.now() };
      this.audio = null;
      say("This browser does not play the sound; the picture goes on without it.");
    });
  }

  get time() {
    if (!this.running) return this.from.time;
    const at = performance.now();
    let time = this.from.time + (this.speed * (at - this.from.at)) / 1000;
    if (this.audio) {
      // Browsers report the time of the sound in steps or with jitter: a watch goes on from it,
      // and is drawn back to it.
      const off = this.audio.currentTime - time;
      time += Math.abs(off) > JUMP ? off : DRAW * off;
    }
    this.from = { time: clamp(time, 0, this.length), at };
    return this.from.time;
  }

  set time(value) {
    this.from = { time: clamp(value, 0, this.length), at: performance.now() };
    if (this.audio) this.audio.currentTime = this.from.time;
  }

  async play() {
    this.time = this.time >= this.length - 0.02 ? 0 : this.time;
    if (this.audio) {
      this.audio.playbackRate = this.speed;
      await this.audio.play();
    }
    this.from = { time: this.from.time, at: performance.now() };
    this.running = true;
  }

  pause() {
    const time = this.time;
    this.running = false;
    this.audio?.pause();
    this.from = { time, at: performance.now() };
  }

  set rate(value) {
    this.time = this.time;
    this.speed = value;
    if (this.audio) this.audio.playbackRate = value;
  }
}

/** A canvas in pixels of the screen; returns its context and its size in CSS pixels. */
function surface(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Draws a note; kinds differ in shape as well as in colour. `x` gives pixels of a time. */
function drawNote(context, note, x, y, height) {
  const bar = ([start, stop], inset) => [x(start), y + inset, Math.max(x(stop) - x(start), 2), height - 2 * inset];
  const colour = note.kind === "hit" ? COLOURS.hit.at(note.hand) : COLOURS[note.kind];
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.5;
  context.setLineDash([]);
  if (note.kind === "hit") {
    context.fillRect(...bar(note.played, height * 0.2));
    context.strokeStyle = "#6b747d";
    context.lineWidth = 1;
    context.strokeRect(...bar(note.written, 0.5));
    const [left, top, width] = bar(note.played, 0);
    if (height >= 9 && width >= 16 && note.hand >= 0) {
      context.fillStyle = note.hand === 1 ? "#fff" : "#000";
      context.font = `${Math.min(height * 0.62, 12)}px system-ui, sans-serif`;
      context.fillText(LETTERS[note.hand] + (note.finger || ""), left + 2, top + height * 0.72);
    }
  } else if (note.kind === "missed") {
    const [left, top, width, high] = bar(note.written, 1);
    context.setLineDash([4, 3]);
    context.strokeRect(left, top, width, high);
    context.setLineDash([]);
    context.beginPath();
    for (let at = left; at < left + width; at += 6) {
      context.moveTo(at, top + high);
      context.lineTo(Math.min(at + 5, left + width), top);
    }
    context.stroke();
  } else if (note.kind === "extra") {
    const [left, top, width, high] = bar(note.played, height * 0.25);
    context.fillRect(left, top, width, high);
    context.lineWidth = 2.5;
    context.beginPath();
    for (const sign of [-1, 1]) {
      context.moveTo(left - height / 2, y + height / 2 - (sign * height) / 2);
      context.lineTo(left + height / 2, y + height / 2 + (sign * height) / 2);
    }
    context.stroke();
  } else {
    const [left, , width] = bar(note.played, 0);
    context.beginPath();
    context.moveTo(left - height * 0.4, y);
    context.lineTo(left + height * 0.4, y);
    context.lineTo(left, y + height * 0.8);
    context.closePath();
    context.stroke();
    context.fillRect(left, y, width, 1.5);
  }
}

/** The roll: written and played notes around a moment. */
class Roll {
  constructor(canvas, notes) {
    this.canvas = canvas;
    this.notes = notes;
    const pitches = notes.length ? notes.map((note) => note.pitch) : [60];
    this.low = Math.min(...pitches) - 1;
    this.high = Math.max(...pitches) + 1;
  }

  timeAt(pixel, now) {
    return now - BEHIND + ((pixel - 34) / (this.canvas.clientWidth - 34)) * SHOWN;
  }

  draw(now) {
    const { context, width, height } = surface(this.canvas);
    const lane = (height - 16) / (this.high - this.low + 1);
    const y = (pitch) => (this.high - pitch) * lane;
    const x = (time) => 34 + ((time - now + BEHIND) / SHOWN) * (width - 34);
    context.font = "10px system-ui, sans-serif";
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      context.fillStyle = BLACK.includes(pitch % 12) ? "#eceff1" : "#fff";
      context.fillRect(34, y(pitch), width, lane);
      if (pitch % 12 === 0 || (lane > 9 && !BLACK.includes(pitch % 12))) {
        context.fillStyle = "#4a545d";
        context.fillText(pitchName(pitch), 4, y(pitch) + lane / 2 + 3);
      }
    }
    for (let second = Math.max(0, Math.ceil(now - BEHIND)); second < now - BEHIND + SHOWN; second++) {
      context.fillStyle = "#d9dee3";
      context.fillRect(x(second), 0, 1, height - 14);
      context.fillStyle = "#4a545d";
      context.fillText(`${second} s`, x(second) + 3, height - 4);
    }
    context.save();
    context.beginPath();
    context.rect(34, 0, width, height - 16);
    context.clip();
    for (const note of this.notes) {
      const [start, stop] = span(note);
      if (start < now - BEHIND + SHOWN && stop > now - BEHIND) drawNote(context, note, x, y(note.pitch), lane);
    }
    context.restore();
    context.fillStyle = "#1d2125";
    context.fillRect(x(now) - 1, 0, 2, height - 14);
  }
}

const span = ({ written, played }) => [
  Math.min(...[written, played].filter(Boolean).map((pair) => pair[0])),
  Math.max(...[written, played].filter(Boolean).map((pair) => pair[1])),
];

/** The whole piece in one strip, with what went wrong. */
function drawOverview(canvas, data, length, now) {
  const { context, width, height } = surface(canvas);
  const x = (time) => ((time - data.start) / length) * width;
  for (const note of data.notes) {
    const row = { hit: 0.62, missed: 0, extra: 0.3, brushed: 0.3 }[note.kind];
    context.fillStyle = note.kind === "hit" ? "#aeb7c0" : COLOURS[note.kind];
    context.fillRect(x(span(note)[0]), row * height, note.kind === "hit" ? 1 : 3, height * (note.kind === "hit" ? 0.38 : 0.3));
  }
  context.fillStyle = "#1d2125";
  context.fillRect(x(now) - 1, 0, 2, height);
}

/** Muscles: the hardest working ones, traces of the chosen ones, and the list to choose from. */
class Muscles {
  constructor(data, picture) {
    Object.assign(this, { data, picture, rows: new Map() });
    const { values, columns, unit, rows } = picture.arrays.activations;
    this.figures = data.muscles.map((_, muscle) => {
      let sum = 0, peak = 0;
      for (let row = 0; row < rows; row++) {
        const value = values[row * columns + muscle] * unit;
        sum += value;
        peak = Math.max(peak, value);
      }
      return { mean: sum / rows, peak };
    });
    this.buildHardest();
    this.buildList();
    const order = data.muscles.map((_, i) => i).sort((a, b) => this.figures[b].mean - this.figures[a].mean);
    order.slice(0, 3).forEach((muscle) => this.choose(muscle, true));
  }

  title(muscle) {
    const { name, full } = this.data.muscles[muscle];
    return `${name.slice(0, -2)} ${SIDES[name.slice(-1)]}: ${full}`;
  }

  buildHardest() {
    this.tables = Object.entries(SIDES).map(([letter, word]) => {
      const members = this.data.muscles.flatMap(({ name }, i) => (name.endsWith(`_${letter}`) ? [i] : []));
      const body = node("tbody");
      const cells = members.length ? Array.from({ length: 5 }, () => {
        const row = { name: node("td"), bar: node("i"), value: node("td") };
        body.append(node("tr", {}, row.name, node("td", {}, row.bar), row.value));
        return row;
      }) : [];
      if (members.length) $("hardest").append(node("div", {}, node("h3", {}, `Hardest working now, ${word} hand`),
        node("table", { className: "text" }, body)));
      return { members, cells };
    });
  }

  buildList() {
    const body = $("choose").querySelector("tbody");
    const byName = new Map();
    this.boxes = this.data.muscles.map(({ name }, muscle) => {
      const box = node("input", { type: "checkbox", ariaLabel: this.title(muscle) });
      box.addEventListener("change", () => this.choose(muscle, box.checked));
      const short = name.slice(0, -2);
      byName.set(short, { ...byName.get(short), [name.slice(-1)]: muscle });
      return box;
    });
    for (const [short, sides] of byName) {
      const { full, group } = this.data.muscles[sides.l ?? sides.r];
      const cell = (muscle) => {
        if (muscle === undefined) return node("td");
        const { mean, peak } = this.figures[muscle];
        return node("td", {}, node("label", {}, this.boxes[muscle], ` ${mean.toFixed(3)}, ${peak.toFixed(3)}`));
      };
      body.append(node("tr", {}, node("td", {}, `${short}: ${full} (${group})`), cell(sides.l), cell(sides.r)));
    }
    $("find").addEventListener("input", () => {
      const words = $("find").value.toLowerCase();
      for (const row of body.rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(words);
    });
  }

  choose(muscle, chosen) {
    this.boxes[muscle].checked = chosen;
    if (chosen && !this.rows.has(muscle)) {
      const row = { number: node("b"), value: node("span"), canvas: node("canvas", { role: "img" }) };
      row.canvas.setAttribute("aria-label", `Activation of ${this.title(muscle)}`);
      const remove = node("button", { type: "button", ariaLabel: `Remove ${this.title(muscle)}` }, "×");
      remove.addEventListener("click", () => this.choose(muscle, false));
      row.figure = node("figure", {}, node("figcaption", {}, row.number, this.title(muscle), row.value, remove), row.canvas);
      $("traces").append(row.figure);
      this.rows.set(muscle, row);
    } else if (!chosen) {
      this.rows.get(muscle)?.figure.remove();
      this.rows.delete(muscle);
    }
    [...this.rows.values()].forEach((row, i) => { row.number.textContent = i + 1; });
    this.changed?.();
  }

  draw(now) {
    const value = (muscle) => this.picture.activation(muscle);
    for (const { members, cells } of this.tables) {
      const order = [...members].sort((a, b) => value(b) - value(a));
      cells.forEach((cell, i) => {
        cell.name.textContent = this.data.muscles[order[i]].name.slice(0, -2);
        cell.name.title = this.data.muscles[order[i]].full;
        cell.bar.style.width = `${100 * Math.sqrt(clamp(value(order[i]), 0, 1))}%`;
        cell.value.textContent = value(order[i]).toFixed(3);
      });
    }
    for (const [muscle, row] of this.rows) this.drawTrace(muscle, row, now, value(muscle));
  }

  drawTrace(muscle, row, now, value) {
    const peak = Math.max(this.figures[muscle].peak, 0.01);
    row.value.textContent = `${value.toFixed(3)} of at most ${peak.toFixed(3)}`;
    const { context, width, height } = surface(row.canvas);
    const { values, columns, unit, rows } = this.picture.arrays.activations;
    const first = now - BEHIND - this.data.start;
    const last = Math.min(rows - 1, Math.ceil((first + SHOWN) * this.data.rate));
    context.beginPath();
    for (let frame = Math.max(0, Math.floor(first * this.data.rate)); frame <= last; frame++) {
      const share = values[frame * columns + muscle] * unit / peak;
      context.lineTo(34 + ((frame / this.data.rate - first) / SHOWN) * (width - 34), height - 2 - share * (height - 4));
    }
    context.strokeStyle = "#c4321a";
    context.lineWidth = 1.5;
    context.stroke();
    context.fillStyle = "#1d2125";
    context.fillRect(34 + (BEHIND / SHOWN) * (width - 34) - 1, 0, 2, height);
    context.font = "10px system-ui, sans-serif";
    context.fillText(peak.toFixed(2), 4, 10);
    context.fillText("0", 4, height - 3);
  }
}

/** All of the page. */
class Page {
  constructor(data, picture, clock) {
    Object.assign(this, { data, picture, clock, quality: 1.5, cost: 10, frame: 16 });
    this.roll = new Roll($("roll"), data.notes);
    $("muscles").hidden = !data.muscles.length;
    this.muscles = new Muscles(data, picture);
    this.muscles.changed = () => this.refresh();
    $("scrub").max = clock.length.toFixed(2);
    this.listLost();
    this.drawLegend();
    this.connect();
    new ResizeObserver(() => this.refresh()).observe($("picture"));
    this.refresh();
  }

  connect() {
    const on = (name, kind, action) => $(name).addEventListener(kind, action);
    on("play", "click", () => this.toggle());
    on("back", "click", () => this.go(this.clock.time - 1));
    on("ahead", "click", () => this.go(this.clock.time + 1));
    on("scrub", "input", () => this.go(Number($("scrub").value)));
    on("speed", "change", () => { this.clock.rate = Number($("speed").value); });
    on("view", "change", () => { this.picture.view($("view").value); this.refresh(); });
    on("closer", "click", () => this.zoom(1.25));
    on("further", "click", () => this.zoom(0.8));
    on("mute", "change", () => { if (this.clock.audio) this.clock.audio.muted = $("mute").checked; });
    on("roll", "click", (event) => {
      this.go(this.roll.timeAt(event.offsetX, this.clock.time + this.data.start) - this.data.start);
    });
    on("overview", "click", (event) => this.go((event.offsetX / $("overview").clientWidth) * this.clock.length));
    on("picture", "pointerdown", (event) => $("picture").setPointerCapture(event.pointerId));
    on("picture", "pointermove", (event) => {
      if (event.buttons) this.turn(-0.4 * event.movementX, -0.3 * event.movementY);
    });
    on("picture", "wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 500));
    });
    on("picture", "keydown", (event) => this.turnByKey(event));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  turn(azimuth, elevation) {
    this.picture.azimuth += azimuth;
    this.picture.elevation = clamp(this.picture.elevation + elevation, -89, -3);
    this.refresh();
  }

  turnByKey(event) {
    const turns = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] };
    if (event.key in turns) this.turn(...turns[event.key]);
    else if (event.key === "+") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  zoom(factor) {
    this.picture.zoom = clamp(this.picture.zoom * factor, 0.5, 6);
    this.refresh();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { tagName, type } = event.target;
    const typing = tagName === "SELECT" || (tagName === "INPUT" && type === "search");
    const pressing = tagName === "BUTTON" || tagName === "SUMMARY" || type === "checkbox";
    if (typing || (pressing && [" ", "Enter"].includes(event.key))) return;
    const step = event.shiftKey ? 5 : 1;
    const { time, length } = this.clock;
    const actions = {
      " ": () => this.toggle(),
      k: () => this.toggle(),
      m: () => $("mute").click(),
      ArrowLeft: () => this.go(time - step),
      ArrowRight: () => this.go(time + step),
      ",": () => this.go(time - 1 / this.data.rate),
      ".": () => this.go(time + 1 / this.data.rate),
      "[": () => this.changeSpeed(-1),
      "]": () => this.changeSpeed(1),
      Home: () => this.go(0),
      End: () => this.go(length),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  changeSpeed(step) {
    const choice = $("speed");
    choice.selectedIndex = clamp(choice.selectedIndex + step, 0, choice.length - 1);
    this.clock.rate = Number(choice.value);
  }

  async toggle() {
    if (this.clock.running) this.clock.pause();
    else await this.clock.play();
    $("play").textContent = this.clock.running ? "Pause" : "Play";
    if (this.clock.running) requestAnimationFrame((at) => this.run(at, at));
    else this.refresh();
  }

  go(time) {
    this.clock.time = time;
    this.refresh();
  }

  /** Draws while it plays: the moment at which the picture will be seen, some frames later. */
  run(at, before) {
    if (!this.clock.running) return;
    this.frame += 0.1 * (clamp(at - before, 5, 60) - this.frame);
    const time = this.clock.time;
    if (time >= this.clock.length - 0.001) {
      this.toggle();
      return;
    }
    this.draw(Math.min(time + (FRAMES_AHEAD * this.clock.speed * this.frame) / 1000, this.clock.length), false);
    requestAnimationFrame((next) => this.run(next, at));
  }

  refresh() {
    if (this.clock.running || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw(this.clock.time, true);
    });
  }

  draw(time, still) {
    const begin = performance.now();
    const now = time + this.data.start;
    this.size(still);
    const sounding = this.sounding(now);
    this.picture.draw(time, (key) => KEY_COLOURS[sounding.get(key + 21)?.kind], this.muscles.rows);
    this.drawLabels(sounding);
    this.roll.draw(now);
    drawOverview($("overview"), this.data, this.clock.length, now);
    if (this.data.muscles.length) this.muscles.draw(now);
    $("clock").textContent = `${minutes(now)} of ${minutes(this.clock.length + this.data.start)}`;
    if (document.activeElement !== $("scrub") || this.clock.running) $("scrub").value = time;
    $("scrub").ariaValueText = `${now.toFixed(1)} seconds`;
    $("picture").dataset.time = now.toFixed(4);
    if (!still) this.adapt(performance.now() - begin);
  }

  /** Draws finer where there is time for it. */
  adapt(cost) {
    this.cost += 0.1 * (cost - this.cost);
    if (this.cost > 22 && this.quality > 0.75) this.quality *= 0.97;
    if (this.cost < 9 && this.quality < 2) this.quality *= 1.01;
  }

  size(still) {
    const { clientWidth: width, clientHeight: height } = $("picture");
    const quality = still ? 2 : Math.round(this.quality * 8) / 8;
    const wanted = [Math.max(16, Math.round(width * quality)), Math.max(16, Math.round(height * quality))];
    if ($("picture").width !== wanted[0] || $("picture").height !== wanted[1]) this.picture.resize(...wanted);
  }

  /** What sounds, or is brushed, by pitch. */
  sounding(now) {
    const notes = new Map();
    for (const note of this.data.notes) {
      if (note.played && note.played[0] <= now && now < note.played[1]) notes.set(note.pitch, note);
    }
    return notes;
  }

  /** Marks on keys that sound wrongly, and numbers on chosen muscles. */
  drawLabels(sounding) {
    const { context, width } = surface($("labels"));
    const scale = width / $("picture").width;
    context.textAlign = "center";
    const write = (text, place, colour) => {
      const pixel = this.picture.pixel(place);
      if (!pixel) return;
      const [x, y] = pixel.map((value) => value * scale);
      context.font = "600 13px system-ui, sans-serif";
      context.lineWidth = 3.5;
      context.strokeStyle = "#14181c";
      context.strokeText(text, x, y);
      context.fillStyle = colour;
      context.fillText(text, x, y);
    };
    for (const [pitch, note] of sounding) {
      const { centre, half } = this.data.keys[pitch - 21];
      const place = [centre[0], centre[1] - half[1] * 0.9, centre[2] + half[2]];
      if (note.kind !== "hit") write({ extra: "✕", brushed: "▽" }[note.kind], place, "#ffd9a0");
    }
    [...this.muscles.rows.keys()].forEach((muscle, i) => {
      const points = this.picture.branches(muscle).flat();
      if (points.length) write(String(i + 1), points[Math.floor(points.length * 0.35)], "#ffffff");
    });
  }

  drawLegend() {
    for (const canvas of document.querySelectorAll(".legend canvas")) {
      const { context, width, height } = surface(canvas);
      const { kind, hand = -1 } = canvas.dataset;
      const note = { kind, hand: Number(hand), finger: 2, written: [0, 0.9], played: [0.1, 0.9] };
      drawNote(context, note, (time) => 5 + time * (width - 10), 1, height - 2);
    }
  }

  listLost() {
    const lost = this.data.notes.filter((note) => note.kind !== "hit");
    $("lost").hidden = !lost.length;
    $("lost").querySelector("summary").textContent = `Missed, extra and brushed: ${lost.length}`;
    for (const note of lost) {
      const [start] = span(note);
      const by = note.hand < 0 ? "" : `, ${["left", "right"][note.hand]} hand, finger ${note.finger}`;
      const words = `${start.toFixed(2)} s: ${pitchName(note.pitch)} ${note.kind}${by}`;
      const button = node("button", { type: "button" }, words);
      button.addEventListener("click", () => this.go(start - this.data.start - 0.3));
      $("lost").querySelector("ol").append(node("li", {}, button));
    }
  }
}

async function open() {
  const data = JSON.parse($("data").textContent);
  const picture = await Picture.make($("picture"), data);
  const clock = new Clock(data.sound, (data.frames - 1) / data.rate);
  $("performance").hidden = false;
  if ($("status").textContent.startsWith("Opening")) say("");
  const counts = { hit: 0, missed: 0, extra: 0, brushed: 0 };
  for (const note of data.notes) counts[note.kind]++;
  const words = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join(", ");
  $("roll").ariaLabel = `Piano roll: ${words}`;
  $("picture").ariaLabel = "Hands on the keyboard, muscles coloured by activation";
  window.performancePage = new Page(data, picture, clock);
}

open().catch((error) => {
  say(`This browser cannot show the performance (${error.message}).`);
});
