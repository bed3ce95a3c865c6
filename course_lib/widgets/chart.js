// Shared by widgets that draw a line chart over epochs, as SVG.

/**
 * @typedef {object} ChartLine
 * @property {string} name
 * @property {number[]} values  One for each epoch, from epoch 1; NaN leaves a gap.
 * @property {boolean} [steps]  Keep each value until half way to the next epoch.
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} label  What the chart shows, for screen readers.
 * @property {string} xLabel
 * @property {string} yLabel
 * @property {ChartLine[]} lines  They differ in their dashes and are named at their right end.
 * @property {boolean} [log]  Whether the y axis is logarithmic.
 * @property {boolean} [decades]  Label powers of ten on a logarithmic axis, not five even steps.
 * @property {number} [marker]  An epoch with a solid vertical line below a ▼.
 * @property {number[]} [events]  Epochs with a dashed vertical line each.
 * @property {boolean} [nameEvents]  Whether there is a ▼ and the epoch above each event.
 * @property {number} [width]  In CSS pixels.
 * @property {number} [height]  In CSS pixels.
 */

/**
 * Where a chart has its plot, in CSS pixels, and how values become coordinates in it.
 * @typedef {object} Axes
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 * @property {number} numEpochs
 * @property {(epoch: number) => number} x
 * @property {(value: number) => number} y
 * @property {(share: number) => number} valueAt  The value at a share of the height, 0 the bottom.
 */

const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 4", "1 5"];

/**
 * Create an SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {string} [text]
 * @returns {SVGElement}
 */
function svg(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/**
 * What distinguishes a line from the others: its dashes, and its colour too.
 * @param {number} index  Of the line, from 0.
 */
function lineStyle(index) {
  const style = index % DASHES.length;
  return { class: `g2c-line g2c-line-${style}`, "stroke-dasharray": DASHES[style] };
}

/**
 * Move heights apart by at least `gap`. They keep their order and stay between `low` and `high` as
 * far as they fit.
 * @param {number[]} heights
 * @param {number} gap
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
function spread(heights, gap, low, high) {
  const order = [...heights.keys()].sort((one, other) => heights[one] - heights[other]);
  const moved = [...heights];
  let limit = high + gap;
  for (const i of order.toReversed()) {
    moved[i] = Math.min(moved[i], limit - gap);
    limit = moved[i];
  }
  limit = low - gap;
  for (const i of order) {
    moved[i] = Math.max(moved[i], limit + gap);
    limit = moved[i];
  }
  return moved;
}

/**
 * @param {ChartLine[]} lines
 * @param {boolean} log
 * @param {number} width
 * @param {number} height
 * @returns {Axes}
 */
function chartAxes(lines, log, width, height) {
  const [left, right, top, bottom] = [62, width - 118, 12, height - 36];
  const scale = log ? Math.log10 : Number;
  const finite = lines.flatMap(({ values }) => values.filter(Number.isFinite));
  const [low, high] = scaleRange(finite.map((value) => scale(value)));
  const numEpochs = Math.max(2, ...lines.map(({ values }) => values.length));
  return {
    left,
    right,
    top,
    bottom,
    numEpochs,
    x: (epoch) => left + ((epoch - 1) / (numEpochs - 1)) * (right - left),
    y: (value) => bottom - ((scale(value) - low) / (high - low)) * (bottom - top),
    valueAt: (share) => (log ? 10 ** (low + share * (high - low)) : low + share * (high - low)),
  };
}

/**
 * The ends of an axis: those of the values, and some room below, so that the lowest line does not
 * lie on the frame.
 * @param {number[]} values
 * @returns {[low: number, high: number]}
 */
function scaleRange(values) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
  return [low - (high - low) / 20, high];
}

/**
 * The values that are labelled on the y axis, and their labels.
 * @param {Axes} axes
 * @param {boolean} decades
 * @returns {[value: number, label: string][]}
 */
function yTicks({ valueAt }, decades) {
  if (!decades) {
    return [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const value = valueAt(share);
      return [value, value.toPrecision(2).replace(/e([+-])0*/, "e$1")];
    });
  }
  /** @type {[number, string][]} */
  const ticks = [];
  const [low, high] = [Math.log10(valueAt(0)), Math.log10(valueAt(1))];
  for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power += 1)
    ticks.push([10 ** power, `1e${power}`]);
  return ticks;
}

/**
 * The frame of the plot, the labels of its ticks and of its axes.
 * @param {Axes} axes
 * @param {ChartOptions} options
 * @returns {SVGElement[]}
 */
function axisElements(axes, { xLabel, yLabel, decades = false }) {
  const { left, right, top, bottom, numEpochs, x, y } = axes;
  const epochs = [1, Math.round((1 + numEpochs) / 2), numEpochs];
  const centre = { "text-anchor": "middle" };
  const rotated = { x: -(top + bottom) / 2, y: 12, transform: "rotate(-90)", ...centre };
  return [
    svg("rect", {
      class: "g2c-plot",
      x: left,
      y: top,
      width: right - left,
      height: bottom - top,
    }),
    ...yTicks(axes, decades).map(([value, text]) =>
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, text),
    ),
    ...epochs.map((epoch) => svg("text", { x: x(epoch), y: bottom + 15, ...centre }, `${epoch}`)),
    svg("text", { x: (left + right) / 2, y: bottom + 31, ...centre }, xLabel),
    svg("text", rotated, yLabel),
  ];
}

/**
 * The path of a line, as the attribute `d`.
 * @param {Axes} axes
 * @param {ChartLine} line
 * @returns {string}
 */
function linePath({ x, y }, { values, steps = false }) {
  const point = (/** @type {number} */ epoch, /** @type {number} */ value) =>
    `${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`;
  const segments = values.map((value, i) => {
    const before = values[i - 1];
    if (!Number.isFinite(value)) return "";
    if (!Number.isFinite(before)) return `M${point(i + 1, value)}`;
    const corners = steps ? `L${point(i + 0.5, before)}L${point(i + 0.5, value)}` : "";
    return `${corners}L${point(i + 1, value)}`;
  });
  return segments.join("");
}

/**
 * The lines' names at their right ends, each behind a short piece of its line.
 * @param {Axes} axes
 * @param {ChartLine[]} lines
 * @returns {SVGElement[]}
 */
function lineNames({ right, top, bottom, y }, lines) {
  const ends = lines.map(({ values }) => values.findLast(Number.isFinite));
  const wanted = ends.map((value) => (value === undefined ? bottom : y(value)) + 4);
  const heights = spread(wanted, 13, top + 4, bottom + 4);
  return lines.flatMap(({ name }, i) => {
    if (ends[i] === undefined) return [];
    const sample = { d: `M${right + 4} ${heights[i] - 4}h18`, ...lineStyle(i) };
    return [svg("path", sample), svg("text", { x: right + 25, y: heights[i] }, name)];
  });
}

/**
 * A vertical line through the plot.
 * @param {Axes} axes
 * @param {number} epoch
 * @param {string} className
 * @returns {SVGElement}
 */
function verticalLine({ x, top, bottom }, epoch, className) {
  return svg("path", { d: `M${x(epoch)} ${top}V${bottom}`, class: className });
}

/**
 * A ▼ above the plot.
 * @param {Axes} axes
 * @param {number} epoch
 * @returns {SVGElement}
 */
function pointer({ x, top }, epoch) {
  return svg("text", { x: x(epoch), y: top - 2, "text-anchor": "middle" }, "▼");
}

/**
 * A ▼ above each event, and the epoch beside it where there is room before the next.
 * @param {Axes} axes
 * @param {number[]} events
 * @returns {SVGElement[]}
 */
function eventNames(axes, events) {
  return events.flatMap((epoch, i) => {
    const x = axes.x(epoch);
    const room = i + 1 < events.length ? axes.x(events[i + 1]) - x : Infinity;
    const number = svg("text", { x: x + 6, y: axes.top - 2 }, String(epoch));
    return [pointer(axes, epoch), ...(room > 27 ? [number] : [])];
  });
}

/**
 * A chart of lines over epochs.
 * @param {ChartOptions} options
 * @returns {SVGElement}
 */
function lineChart(options) {
  const { label, lines, log = false, marker, events = [], nameEvents = false } = options;
  const { width = 520, height = 230 } = options;
  const axes = chartAxes(lines, log, width, height);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "g2c-chart", role: "img" });
  root.setAttribute("aria-label", label);
  root.append(
    ...axisElements(axes, options),
    ...events.map((epoch) => verticalLine(axes, epoch, "g2c-event")),
    ...lines.map((line, i) => svg("path", { d: linePath(axes, line), ...lineStyle(i) })),
    ...lineNames(axes, lines),
    ...(nameEvents ? eventNames(axes, events) : []),
  );
  if (marker !== undefined)
    root.append(verticalLine(axes, marker, "g2c-marker"), pointer(axes, marker));
  return root;
}

/**
 * A place for a chart. Each chart is drawn as wide as the place, so that its text keeps its size.
 * @returns {{ element: HTMLElement, draw: (options: ChartOptions) => void }}
 */
function chartPlace() {
  const element = html("div", { class: "g2c-chart-place" });
  return {
    element,
    draw(options) {
      const width = Math.max(280, Math.min(620, element.clientWidth || 520));
      element.replaceChildren(lineChart({ width, ...options }));
    },
  };
}

/**
 * Call `draw` now and whenever the width of an element changes.
 * @param {HTMLElement} element
 * @param {() => void} draw
 * @returns {() => void}  Call it to end that.
 */
function onResize(element, draw) {
  const observer = new ResizeObserver(() => draw());
  observer.observe(element);
  return () => observer.disconnect();
}
