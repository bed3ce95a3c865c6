// What every widget of the course is made of: labelled controls, pictures on canvases, a chart.
// Pixels come from Python as bytes; nothing here computes a result.

/** An element with attributes, properties ("on..." handlers too) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Drawn, not counted: every kind of widget on a page has a copy of this script.
const newId = (what) => `g2c-${what}-${Math.random().toString(36).slice(2)}`;

/** The frame of a widget: JupyterLab's shortcuts stay out, and an error takes the whole place. */
function frame(model, el, label) {
  const root = make("div", { class: "g2c", role: "group", "aria-label": label });
  // JupyterLab keeps its shortcuts out, and must not see keys: it would take the focus to the cell.
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const message = make("p", { class: "g2c-message", role: "alert", hidden: "" });
  const body = make("div", { class: "g2c-body" });
  root.append(message, body);
  el.append(root);
  const show = () => {
    const text = model.get("error");
    message.hidden = !text;
    message.textContent = text;
    body.inert = Boolean(text);
    body.classList.toggle("g2c-stale", Boolean(text));
  };
  model.on("change:error", show);
  show();
  return body;
}

/** A slider with its label and, as text, its value. `say` turns the value into words. */
function slider({ label, min, max, step = 1, value, say = String, onchange }) {
  const id = newId("slider");
  const output = make("output", { for: id });
  const input = make("input", { id, type: "range", min, max, step, value });
  const tell = () => {
    output.textContent = say(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    tell();
    onchange(input.valueAsNumber);
  });
  tell();
  const row = make("div", { class: "g2c-control" }, make("label", { for: id }, label), input, output);
  return {
    row,
    input,
    tell,
    get value() {
      return input.valueAsNumber;
    },
    set(next, range = {}) {
      Object.assign(input, range); // min, max before value, which they clip
      input.value = next;
      tell();
    },
  };
}

/** A list to choose one of; `options` are texts, the value is the position. */
function choice({ label, options, value = 0, onchange }) {
  const id = newId("choice");
  const select = make("select", { id });
  options.forEach((text, position) => select.append(make("option", { value: position }, text)));
  select.value = value;
  select.addEventListener("change", () => onchange(Number(select.value)));
  const row = make("div", { class: "g2c-control" }, make("label", { for: id }, label), select);
  return {
    row,
    select,
    get value() {
      return Number(select.value);
    },
  };
}

/** The bytes of a traitlet, whatever offset the transport gave them. */
function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Floats of a traitlet, copied so that they are aligned. */
function floats(view) {
  return new Float32Array(bytes(view).slice().buffer);
}

/** A picture of height x width pixels, enlarged without smoothing; `label` says what it shows. */
function picture({ height, width, zoom, label }) {
  const canvas = make("canvas", { class: "g2c-picture", role: "img", "aria-label": label, width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.createImageData(width, height);
  image.data.fill(255);
  const enlarge = (times) => {
    canvas.style.width = `${width * times}px`; // the height follows, also where there is less room
  };
  enlarge(zoom);
  return {
    canvas,
    context,
    image,
    enlarge,
    /** Draw RGB (3 bytes a pixel) or gray (1 byte) pixels that start at `offset`. */
    draw(pixels, offset = 0, channels = 3) {
      for (let i = 0, from = offset; i < image.data.length; i += 4, from += channels) {
        image.data[i] = pixels[from];
        image.data[i + 1] = pixels[from + (channels === 3 ? 1 : 0)];
        image.data[i + 2] = pixels[from + (channels === 3 ? 2 : 0)];
      }
      context.putImageData(image, 0, 0);
    },
  };
}

/** A picture with a title above and lines of text below. */
function figure(title, shown) {
  const below = make("figcaption", {});
  const heading = make("div", { class: "g2c-title" }, title);
  const element = make("figure", { class: "g2c-figure" }, heading, shown.canvas, below);
  return { element, heading, below, shown };
}

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 4", "1 5"];

/** What tells a line of a chart from the others: its colour, and its dashes. */
const look = (position) => ({
  class: `g2c-line g2c-line-${position % 6}`,
  "stroke-dasharray": DASHES[position % 6],
});

/** Heights moved apart by at least `gap`, in their order, as near to `low` to `high` as they fit. */
function spread(heights, gap, low, high) {
  const order = [...heights.keys()].sort((one, other) => heights[one] - heights[other]);
  const moved = [...heights];
  let limit = high + gap;
  for (const i of order.toReversed()) limit = moved[i] = Math.min(moved[i], limit - gap);
  limit = low - gap;
  for (const i of order) limit = moved[i] = Math.max(moved[i], limit + gap);
  return moved;
}

/**
 * Lines over epochs 1 to N. `draw([{name, values}], {marker})`: lines differ in their dashes and
 * are named at their end, so that none is told by its colour alone. NaN leaves a gap. A line with
 * `steps` keeps each value until half way to the next epoch.
 */
function chart({ label, xlabel, ylabel, log = false, width = 520, height = 230 }) {
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "g2c-chart", role: "img" });
  root.setAttribute("aria-label", label);
  const left = 62, right = width - 118, top = 12, bottom = height - 36;
  return {
    element: root,
    draw(lines, { marker = null, events = [] } = {}) {
      const all = lines.flatMap((line) => Array.from(line.values)).filter(Number.isFinite);
      const scale = log ? Math.log10 : (v) => v;
      let low = Math.min(...all.map(scale)), high = Math.max(...all.map(scale));
      if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
      low -= (high - low) / 20; // so that the lowest line does not lie on the frame
      const count = Math.max(2, ...lines.map((line) => line.values.length));
      const x = (epoch) => left + ((epoch - 1) / (count - 1)) * (right - left);
      const y = (v) => bottom - ((scale(v) - low) / (high - low)) * (bottom - top);
      const parts = [svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "g2c-plot" })];
      for (let i = 0; i <= 4; i += 1) {
        const v = low + (i / 4) * (high - low);
        const text = (log ? 10 ** v : v).toPrecision(2).replace(/e([+-])0*/, "e$1");
        parts.push(svg("text", { x: left - 6, y: bottom - (i / 4) * (bottom - top) + 4, "text-anchor": "end" }, text));
      }
      for (const epoch of [1, Math.round((1 + count) / 2), count])
        parts.push(svg("text", { x: x(epoch), y: bottom + 15, "text-anchor": "middle" }, String(epoch)));
      parts.push(svg("text", { x: (left + right) / 2, y: height - 5, "text-anchor": "middle" }, xlabel));
      parts.push(svg("text", { x: -(top + bottom) / 2, y: 12, transform: "rotate(-90)", "text-anchor": "middle" }, ylabel));
      for (const epoch of events)
        parts.push(svg("path", { d: `M${x(epoch)} ${top}V${bottom}`, class: "g2c-event" }));
      lines.forEach((line, position) => {
        const at = (epoch, v) => `${x(epoch).toFixed(1)} ${y(v).toFixed(1)}`;
        const d = Array.from(line.values, (v, i) => {
          const before = line.values[i - 1];
          if (!Number.isFinite(v)) return "";
          if (!Number.isFinite(before)) return `M${at(i + 1, v)}`;
          const corners = line.steps ? `L${at(i + 0.5, before)}L${at(i + 0.5, v)}` : "";
          return `${corners}L${at(i + 1, v)}`;
        }).join("");
        parts.push(svg("path", { d, ...look(position) }));
      });
      const ends = lines.map((line) => Array.from(line.values).findLast(Number.isFinite));
      const heights = spread(ends.map((v) => (v === undefined ? bottom : y(v)) + 4), 13, top + 4, bottom + 4);
      lines.forEach((line, position) => {
        if (ends[position] === undefined) return;
        const at = heights[position];
        parts.push(svg("path", { d: `M${right + 4} ${at - 4}h18`, ...look(position) }));
        parts.push(svg("text", { x: right + 25, y: at }, line.name));
      });
      if (marker !== null) {
        parts.push(svg("path", { d: `M${x(marker)} ${top}V${bottom}`, class: "g2c-marker" }));
        parts.push(svg("text", { x: x(marker), y: top - 2, "text-anchor": "middle" }, "▼"));
      }
      root.replaceChildren(...parts);
    },
  };
}

/** A place for charts. `fresh` puts one there that is as wide, so that letters keep their size. */
function chartPlace() {
  const element = make("div", { class: "g2c-chart-place" });
  return {
    element,
    fresh(options) {
      const drawn = chart({ width: Math.max(280, Math.min(620, element.clientWidth || 520)), ...options });
      element.replaceChildren(drawn.element);
      return drawn;
    },
  };
}

/** Call `draw` now and whenever the width of an element changes. Returns what ends it. */
function onResize(element, draw) {
  const watcher = new ResizeObserver(() => draw());
  watcher.observe(element);
  return () => watcher.disconnect();
}

/**
 * Choices that the kernel answers. The trait `request` is a list; the trait `answer` repeats it
 * beside a result or, in words, a `failure`. `show(answer)` is called when the answer to the latest
 * request is there; else the element `shown` stays as it is, dimmed. Choices remain possible.
 */
function conversation(model, shown, show) {
  const message = make("p", { class: "g2c-message", role: "alert", hidden: "" });
  const answered = () => JSON.stringify(model.get("answer").request) === JSON.stringify(model.get("request"));
  const current = () => answered() && !model.get("answer").failure;
  const say = (text) => {
    message.hidden = !text;
    message.textContent = text;
  };
  let patience;
  const refresh = () => {
    clearTimeout(patience);
    if (answered()) say(model.get("answer").failure ?? "");
    else patience = setTimeout(say, 1000, "The kernel is busy; your choice is shown when it is free.");
    shown.classList.toggle("g2c-stale", !current());
    shown.setAttribute("aria-busy", String(!answered()));
    if (current()) show(model.get("answer"));
  };
  model.on("change:request", refresh);
  model.on("change:answer", refresh);
  return {
    message,
    current,
    refresh,
    ask(request) {
      model.set("request", request);
      model.save_changes();
    },
  };
}
