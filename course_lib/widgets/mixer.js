/**
 * What the kernel computes with a library.
 * @typedef {object} LibraryResult
 * @property {DataView} gray  float32 (height, images * width), levels 0 to 255, not rounded.
 */

/**
 * Traits of the grayscale mixer; see `Mixer` in mixer.py. A request is the name of a library.
 * @typedef {object} MixerTraits
 * @property {[images: number, height: number, width: number]} size
 * @property {DataView} row  uint8 (height, images * width, 3): the photographs side by side.
 * @property {[name: string, weights: number[]][]} weights  Of red, green, blue; sum 1.
 * @property {string[]} libraries  Names.
 * @property {number[]} sliders  Chosen for red, green, blue, each from 0 to 1.
 * @property {number} level  Chosen for the pairs of colours.
 */

const CHANNELS = ["Red", "Green", "Blue"];

// Two colours of the same gray lie on a line through it: towards a colour, and the other way.
const HUES = [
  { name: "red and its opposite", towards: [1, 0, 0] },
  { name: "green and its opposite", towards: [0, 1, 0] },
  { name: "blue and its opposite", towards: [0, 0, 1] },
  { name: "orange and its opposite", towards: [1, 0.5, 0] },
];

/**
 * The gray of one colour.
 * @param {number[]} weights  Sum 1.
 * @param {number[]} rgb
 * @returns {number}
 */
function mix(weights, [red, green, blue]) {
  return weights[0] * red + weights[1] * green + weights[2] * blue;
}

/**
 * The gray of every pixel, 0 to 255 and not rounded.
 * @param {Uint8Array} rgb  Three bytes a pixel.
 * @param {number[]} weights  Sum 1.
 * @returns {Float64Array}
 */
function grayOf(rgb, weights) {
  const [red, green, blue] = weights;
  const gray = new Float64Array(rgb.length / 3);
  for (let i = 0; i < gray.length; i += 1)
    gray[i] = red * rgb[3 * i] + green * rgb[3 * i + 1] + blue * rgb[3 * i + 2];
  return gray;
}

/**
 * Gray as levels that can be drawn.
 * @param {Float32Array | Float64Array} gray  0 to 255.
 * @returns {Uint8ClampedArray}
 */
function levels(gray) {
  return Uint8ClampedArray.from(gray, Math.round);
}

/**
 * Two colours that have the same gray: the ends of a line through (level, level, level) on which
 * gray does not change. Its direction is a colour minus that colour's own gray; it ends where a
 * channel reaches 0 or 255.
 * @param {number[]} weights  Sum 1.
 * @param {number} level  0 to 255.
 * @param {number[]} towards  A colour.
 * @returns {[number[], number[]]}  RGB, whole numbers from 0 to 255.
 */
function equalGrayColours(weights, level, towards) {
  const own = mix(weights, towards);
  const direction = towards.map((value) => value - own); // its mix is 0
  const end = (/** @type {1 | -1} */ sign) => {
    const lengths = direction.map((d) => {
      if (d === 0) return Infinity;
      return (sign * d > 0 ? 255 - level : level) / Math.abs(d);
    });
    const length = sign * Math.min(...lengths);
    return direction.map((d) => Math.round(level + length * d));
  };
  return [end(1), end(-1)];
}

/**
 * The largest and the mean absolute difference.
 * @param {Float64Array} ours
 * @param {Float32Array} theirs
 */
function differences(ours, theirs) {
  let [largest, sum] = [0, 0];
  for (let i = 0; i < ours.length; i += 1) {
    const difference = Math.abs(theirs[i] - ours[i]);
    largest = Math.max(largest, difference);
    sum += difference;
  }
  return { largest, mean: sum / ours.length };
}

/**
 * Sliders for the three weights, and buttons that set them.
 * @param {[name: string, weights: number[]][]} presets
 * @param {(values: number[]) => void} onChange
 */
function weightControls(presets, onChange) {
  let weights = [0, 0, 0];
  const total = () => weights[0] + weights[1] + weights[2];
  const normalised = () => weights.map((weight) => weight / total());
  const sliders = CHANNELS.map((label, channel) =>
    slider({
      label,
      min: 0,
      max: 1,
      step: 0.01,
      value: 0,
      format: () => (total() > 0 ? `weight ${normalised()[channel].toFixed(4)}` : "no weight"),
      onChange: (value) => onChange(weights.with(channel, value)),
    }),
  );
  const buttons = presets.map(([name, values]) => {
    const tick = html("span", { "aria-hidden": "true" }, "\u2713 ");
    const element = html("button", { type: "button", class: "g2c-button" }, tick, name);
    element.addEventListener("click", () => onChange(values));
    return { values, tick, element };
  });
  return {
    set(/** @type {number[]} */ chosen) {
      weights = chosen;
      sliders.forEach((one, channel) => {
        one.set(weights[channel]);
      });
      for (const { values, tick, element } of buttons) {
        const pressed = values.every((value, channel) => value === weights[channel]);
        element.setAttribute("aria-pressed", String(pressed));
        tick.style.visibility = pressed ? "visible" : "hidden";
      }
    },
    sliders: sliders.map(({ row }) => row),
    buttons: buttons.map(({ element }) => element),
    /** Whether there is any weight to divide by. */
    exist: () => total() > 0,
    /** The weights, divided by their sum. */
    normalised,
  };
}

/**
 * A pair of colours that have the same gray, with that gray between them.
 * @param {{ name: string, towards: number[] }} hue
 */
function colourPair({ name, towards }) {
  const content = picture({ height: 1, width: 3, zoom: 48, label: name });
  const { element, caption } = figure(name, content);
  return {
    element,
    show(/** @type {number[]} */ weights, /** @type {number} */ level) {
      const colours = equalGrayColours(weights, level, towards);
      const [first, second] = colours.map((colour) => `(${colour.join(", ")})`);
      const grays = colours.map((colour) => mix(weights, colour));
      const middle = Math.round(grays[0]);
      const [one, other] = grays.map((gray) => gray.toFixed(2));
      const text = `${first} and ${second}\ngray ${one} and ${other}, both level ${middle}`;
      content.draw([...colours[0], middle, middle, middle, ...colours[1]]);
      content.setLabel(`${name}: ${text}`);
      caption.textContent = text;
    },
  };
}

/**
 * Weights of red, green and blue under sliders, and the gray that they give: beside the photographs,
 * beside a library's gray, and for pairs of colours that it makes equal.
 * @param {RenderProps<WidgetTraits & KernelTraits<[library: string], LibraryResult> & MixerTraits>} props
 */
function render(props) {
  const { model } = props;
  const { body } = frame(props, "Grayscale mixer");
  const [count, height, width] = model.get("size");
  const rgb = bytes(model.get("row"));
  const libraries = model.get("libraries");
  const zoom = Math.max(1, Math.floor(600 / (count * width)));
  const row = (/** @type {string} */ title) =>
    figure(title, picture({ height, width: count * width, zoom, label: title }));
  const photographs = row("photographs");
  photographs.picture.draw(rgb);
  const ours = row("gray of your weights");
  const theirs = row("gray of a library");
  const difference = html("p", { role: "status" });
  const noWeight = html(
    "p",
    { class: "g2c-message", role: "alert" },
    "All three weights are 0, so there is no gray; increase at least one of them.",
  );

  const showOurs = () => {
    const parts = weights.normalised().map((weight, channel) => {
      return `${CHANNELS[channel].toLowerCase()} ${weight.toFixed(4)}`;
    });
    ours.picture.draw(levels(grayOf(rgb, weights.normalised())), 0, 1);
    ours.picture.setLabel(`The photographs in gray with the weights ${parts.join(", ")}`);
  };
  const showTheirs = (/** @type {LibraryResult} */ { gray }) => {
    if (!weights.exist()) return;
    const [library] = model.get("request");
    const { largest, mean } = differences(grayOf(rgb, weights.normalised()), floats(gray));
    theirs.picture.draw(levels(floats(gray)), 0, 1);
    theirs.picture.setLabel(`The photographs in the gray of ${library}`);
    theirs.heading.textContent = `gray by ${library}`;
    difference.textContent =
      `Between your weights and ${library}: ${largest.toFixed(2)} levels of difference at most, ` +
      `${mean.toFixed(2)} on average, on the scale from 0 to 255.`;
  };
  const show = () => {
    weights.set(model.get("sliders"));
    level.set(model.get("level"));
    library.set(libraries.indexOf(model.get("request")[0]));
    noWeight.hidden = weights.exist();
    results.hidden = !weights.exist();
    if (results.hidden) return;
    showOurs();
    requests.refresh();
    for (const pair of pairs) pair.show(weights.normalised(), level.value);
  };

  const weights = weightControls(model.get("weights"), (sliders) => choose(model, { sliders }));
  const library = dropdown({
    label: "Compare with",
    options: libraries,
    onChange: (position) => choose(model, { request: [libraries[position]] }),
  });
  const level = slider({
    label: "Gray level of the pairs",
    min: 64,
    max: 192,
    value: 128,
    onChange: (value) => choose(model, { level: value }),
  });
  const pairs = HUES.map(colourPair);
  const comparison = html("div", { class: "g2c-comparison" }, theirs.element, difference);
  const requests = kernelRequests(props, comparison, showTheirs);
  const results = html(
    "div",
    {},
    pictureRow(photographs.element, ours.element),
    requests.message,
    comparison,
    html("p", { class: "g2c-title" }, "Pairs of colours that become the same gray"),
    controlRow(level.row),
    pictureRow(...pairs.map(({ element }) => element)),
  );
  const buttons = controlRow(html("span", {}, "Set the weights to"), ...weights.buttons);
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", "Set the weights to");
  body.append(
    html("div", { class: "g2c-controls g2c-stack" }, ...weights.sliders),
    html("p", {}, "A weight is the position of its slider divided by the sum of the three."),
    buttons,
    controlRow(library.row),
    noWeight,
    results,
  );
  onChoice(model, ["sliders", "level", "request"], show);
}

export default { render };
