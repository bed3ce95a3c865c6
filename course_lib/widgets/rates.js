// What each slider is called, and how its value is said.
const PARAMETERS = {
  factor: { label: "factor", say: (value) => String(Number(value.toPrecision(3))) },
  patience: { label: "patience", say: (value) => `${value} ${value === 1 ? "epoch" : "epochs"}` },
  min_delta: { label: "min_delta", say: scientific },
  cooldown: { label: "cooldown", say: (value) => `${value} ${value === 1 ? "epoch" : "epochs"}` },
  min_lr: { label: "floor (min_lr)", say: scientific },
};

/** 0.0003 -> "3e-4" */
function scientific(value) {
  return value === 0 ? "0" : value.toExponential().replace("e+0", "");
}

/** Where in `notches` the value stands, or the nearest to it. */
function position(notches, value) {
  const distances = notches.map((notch) => Math.abs(notch - value));
  return distances.indexOf(Math.min(...distances));
}

/** Write ▼ above each upright line of a chart, and the epoch beside it where there is room. */
function nameEvents(element, epochs) {
  const lines = [...element.querySelectorAll(".g2c-event")];
  const places = lines.map((line) => line.getAttribute("d").match(/[\d.]+/g).map(Number)); // x, top
  places.forEach(([x, top], index) => {
    element.append(svg("text", { x, y: top - 2, "text-anchor": "middle" }, "▼"));
    const room = (places[index + 1]?.[0] ?? Infinity) - x;
    if (room > 27) element.append(svg("text", { x: x + 6, y: top - 2 }, String(epochs[index])));
  });
}

/** Let a logarithmic chart of these values tell whole powers of ten beside its axis. */
function tickDecades(element, values) {
  const ticks = [...element.querySelectorAll('text[text-anchor="end"]')]; // from low to high
  const [bottom, top] = [ticks[0], ticks.at(-1)].map((tick) => Number(tick.getAttribute("y")));
  const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
  const x = ticks[0].getAttribute("x");
  ticks.forEach((tick) => tick.remove());
  for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power += 1) {
    const y = bottom + ((power - low) / (high - low)) * (top - bottom);
    element.append(svg("text", { x, y, "text-anchor": "end" }, `1e${power}`));
  }
}

export default {
  render({ model, el }) {
    const body = frame(model, el, "Learning-rate explorer");
    const losses = model.get("losses");
    const words = make("p", { role: "status" });
    const [lossPlace, ratePlace] = [chartPlace(), chartPlace()];

    const sliders = model.get("notches").map(([name, notches]) => {
      const { label, say } = PARAMETERS[name];
      const range = { min: 0, max: notches.length - 1, value: 0 };
      const one = slider({ label, ...range, say: (at) => say(notches[at]), onchange: () => talk.ask(chosen()) });
      return { ...one, notches };
    });
    const chosen = () => sliders.map(({ notches, input }) => notches[input.valueAsNumber]);

    const showLosses = ({ falls, words }) => {
      const drawn = lossPlace.fresh({
        label: `Validation loss by epoch. ${words}`, xlabel: "epoch (▼: then the rate falls)",
        ylabel: "validation loss", log: losses.every((loss) => loss > 0),
      });
      drawn.draw([{ name: "recorded", values: losses }], { events: falls });
      nameEvents(drawn.element, falls);
    };
    const showRates = ({ rates }) => {
      const lines = Object.entries({ plateau: rates, ...model.get("others") }).map(([name, values]) => ({ name, values, steps: true }));
      const ends = lines.map(({ name, values }) => `${name} ends at ${values.at(-1).toExponential(1)}`);
      const drawn = ratePlace.fresh({
        label: `Learning rates by epoch: ${ends.join(", ")}`, xlabel: "epoch", ylabel: "learning rate", log: true,
      });
      drawn.draw(lines);
      tickDecades(drawn.element, lines.flatMap(({ values }) => values));
    };
    const charts = make("div", { class: "g2c-pictures" }, lossPlace.element, ratePlace.element);
    const shown = make("div", {}, words, charts);
    const talk = conversation(model, shown, (answer) => {
      words.textContent = answer.words;
      showLosses(answer);
      showRates(answer);
    });
    const follow = () => { // another view may have asked
      model.get("request").forEach((value, index) => sliders[index].set(position(sliders[index].notches, value)));
    };
    model.on("change:request", follow);
    body.append(make("div", { class: "g2c-controls" }, ...sliders.map((one) => one.row)), talk.message, shown);
    follow();
    return onResize(lossPlace.element, talk.refresh);
  },
};
