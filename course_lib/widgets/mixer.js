const CHANNELS = ["Red", "Green", "Blue"];

// A pair of colours lies on a line through gray: towards the first colour, and the other way.
const HUES = [
  { name: "red and its opposite", towards: [1, 0, 0] },
  { name: "green and its opposite", towards: [0, 1, 0] },
  { name: "blue and its opposite", towards: [0, 0, 1] },
  { name: "orange and its opposite", towards: [1, 0.5, 0] },
];

const mix = (weights, [red, green, blue]) => weights[0] * red + weights[1] * green + weights[2] * blue;

/** Gray, 0 to 255 and not rounded, of RGB bytes; weights add up to 1. */
function grayOf(rgb, weights) {
  const gray = new Float64Array(rgb.length / 3);
  for (let i = 0; i < gray.length; i += 1)
    gray[i] = weights[0] * rgb[3 * i] + weights[1] * rgb[3 * i + 1] + weights[2] * rgb[3 * i + 2];
  return gray;
}

/** Levels to draw: rounded, once. */
const levels = (gray) => Uint8ClampedArray.from(gray, Math.round);

/**
 * The two ends, in RGB bytes, of the line through (level, level, level) on which gray does not
 * change. Its direction is a colour minus that colour's own gray; it ends where a channel does.
 */
function twins(weights, level, towards) {
  const own = mix(weights, towards);
  const direction = towards.map((value) => value - own); // mix(weights, direction) is 0
  const reach = (sign) => Math.min(...direction.map((d) => {
    const room = sign * d > 0 ? 255 - level : level;
    return d === 0 ? Infinity : room / Math.abs(d);
  }));
  const end = (sign) => direction.map((d) => Math.round(level + sign * reach(sign) * d));
  return [end(1), end(-1)];
}

/** How far a library's gray is from ours, in words. */
function compareLevels(ours, theirs) {
  let largest = 0, sum = 0;
  for (let i = 0; i < ours.length; i += 1) {
    const difference = Math.abs(theirs[i] - ours[i]);
    largest = Math.max(largest, difference);
    sum += difference;
  }
  return { largest, mean: sum / ours.length };
}

export default {
  render({ model, el }) {
    const body = frame(model, el, "Grayscale mixer");
    const [count, height, width] = model.get("size");
    const rgb = bytes(model.get("row"));
    const presets = model.get("weights");
    const libraries = model.get("libraries");
    const zoom = Math.max(1, Math.floor(600 / (count * width)));

    /** All photographs in one row. */
    const row = (title) => {
      const shown = picture({ height, width: count * width, zoom, label: title });
      return figure(title, shown);
    };
    const photographs = row("photographs");
    photographs.shown.draw(rgb);
    const ours = row("gray of your weights");
    const theirs = row("gray of a library");

    let weights = [...presets["BT.601"]];
    const total = () => weights[0] + weights[1] + weights[2];
    const normalised = () => weights.map((weight) => weight / total());
    const sliders = CHANNELS.map((label, channel) => slider({
      label, min: 0, max: 1, step: 0.01, value: weights[channel],
      say: () => (total() > 0 ? `weight ${normalised()[channel].toFixed(4)}` : "no weight"),
      onchange: (value) => {
        weights[channel] = value;
        show();
      },
    }));
    const buttons = Object.entries(presets).map(([name, values]) => {
      const onclick = () => {
        weights = [...values];
        sliders.forEach((one, channel) => one.set(weights[channel]));
        show();
      };
      const tick = make("span", { "aria-hidden": "true" }, "\u2713 ");
      const style = "font: inherit; min-height: 28px";
      return { values, tick, element: make("button", { type: "button", style, onclick }, tick, name) };
    });
    const library = choice({
      label: "Compare with", options: libraries, onchange: (position) => talk.ask([libraries[position]]),
    });
    const difference = make("p", { role: "status" });
    const none = make("p", { class: "g2c-message", role: "alert", hidden: "" },
      "All three weights are 0, and no gray can be mixed from nothing: give one of them more.");

    const level = slider({ label: "Gray level of the pairs", min: 64, max: 192, value: 128, onchange: show });
    const pairs = HUES.map(({ name, towards }) => {
      const shown = picture({ height: 1, width: 3, zoom: 48, label: name });
      return { towards, ...figure(name, shown) };
    });

    function showLibrary({ request: [name], gray }) {
      const other = floats(gray);
      theirs.shown.draw(levels(other), 0, 1);
      theirs.heading.textContent = `gray by ${name}`;
      theirs.shown.canvas.setAttribute("aria-label", `The photographs in the gray of ${name}`);
      const { largest, mean } = compareLevels(grayOf(rgb, normalised()), other);
      difference.textContent =
        `Between your weights and ${name}: ${largest.toFixed(2)} levels of difference at most, ` +
        `${mean.toFixed(2)} on average, on the scale from 0 to 255.`;
    }

    function showPair({ towards, shown, below, heading }) {
      const colours = twins(normalised(), level.value, towards);
      const grays = colours.map((colour) => mix(normalised(), colour));
      const [first, second] = colours.map((colour) => `(${colour.join(", ")})`);
      const middle = Math.round(grays[0]);
      shown.draw([...colours[0], middle, middle, middle, ...colours[1]]);
      below.textContent = `${first} and ${second}\ngray ${grays[0].toFixed(2)} and ${grays[1].toFixed(2)}, both level ${middle}`;
      shown.canvas.setAttribute("aria-label", `${heading.textContent}: ${below.textContent}`);
    }

    function show() {
      for (const one of sliders) one.tell();
      for (const { values, tick, element } of buttons) {
        const pressed = values.every((value, channel) => value === weights[channel]);
        element.setAttribute("aria-pressed", pressed);
        tick.style.visibility = pressed ? "visible" : "hidden";
      }
      none.hidden = total() > 0;
      results.hidden = !none.hidden;
      if (results.hidden) return;
      ours.shown.draw(levels(grayOf(rgb, normalised())), 0, 1);
      const said = normalised().map((weight, channel) => `${CHANNELS[channel].toLowerCase()} ${weight.toFixed(4)}`);
      ours.shown.canvas.setAttribute("aria-label", `The photographs in gray with the weights ${said.join(", ")}`);
      talk.refresh();
      pairs.forEach(showPair);
    }

    const compared = make("div", { style: "margin-top: 0.75em" }, theirs.element, difference);
    const talk = conversation(model, compared, (answer) => total() > 0 && showLibrary(answer));
    const results = make("div", {},
      make("div", { class: "g2c-pictures" }, photographs.element, ours.element),
      talk.message, compared,
      make("p", { class: "g2c-title" }, "Pairs of colours that become the same gray"),
      make("div", { class: "g2c-controls" }, level.row),
      make("div", { class: "g2c-pictures" }, ...pairs.map((pair) => pair.element)));
    body.append(
      make("div", { class: "g2c-controls g2c-stack" }, ...sliders.map((one) => one.row)),
      make("p", {}, "A weight is the position of its slider divided by the sum of the three."),
      make("div", { class: "g2c-controls", role: "group", "aria-label": "Set the weights to" },
        make("span", {}, "Set the weights to"), ...buttons.map((button) => button.element)),
      make("div", { class: "g2c-controls" }, library.row),
      none, results,
    );
    const follow = () => {
      library.select.value = libraries.indexOf(model.get("request")[0]); // another view may have asked
    };
    model.on("change:request", follow);
    follow();
    show();
  },
};
