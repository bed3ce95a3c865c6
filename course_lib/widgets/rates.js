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

/** Write ▼ and its epoch above each upright line of a chart. */
function nameEvents(element, epochs) {
  element.querySelectorAll(".g2c-event").forEach((line, index) => {
    const [x, top] = line.getAttribute("d").match(/[\d.]+/g).map(Number);
    element.append(svg("text", { x, y: top - 2, "text-anchor": "middle" }, `▼${epochs[index]}`));
  });
}

export default {
  render({ model, el }) {
    const body = frame(model, el, "Learning-rate explorer");
    const losses = model.get("losses");
    const lossChart = chart({
      label: "Validation loss", xlabel: "epoch (▼ the rate falls after it)", ylabel: "validation loss",
      log: losses.every((loss) => loss > 0),
    });
    const rateChart = chart({ label: "Learning rates", xlabel: "epoch", ylabel: "learning rate", log: true });
    const words = make("p", { role: "status" });

    /** Ask the kernel. While it is at work later settings wait, and of them the last is sent. */
    const ask = (name, value) => {
      model.set("settings", { ...model.get("settings"), [name]: value });
      model.save_changes();
    };
    const sliders = Object.entries(model.get("notches")).map(([name, notches]) => {
      const { label, say } = PARAMETERS[name];
      return slider({
        label, min: 0, max: notches.length - 1, value: position(notches, model.get("settings")[name]),
        say: (at) => say(notches[at]), onchange: (at) => ask(name, notches[at]),
      });
    });

    const show = () => {
      const replayed = model.get("replayed");
      words.textContent = replayed.words;
      lossChart.draw([{ name: "recorded", values: losses }], { events: replayed.falls });
      nameEvents(lossChart.element, replayed.falls);
      lossChart.element.setAttribute("aria-label", `Validation loss by epoch. ${replayed.words}`);
      const others = Object.entries(model.get("others")).map(([name, values]) => ({ name, values }));
      const lines = [{ name: "plateau", values: replayed.rates }, ...others];
      rateChart.draw(lines);
      const ends = lines.map(({ name, values }) => `${name} ends at ${values.at(-1).toExponential(1)}`);
      rateChart.element.setAttribute("aria-label", `Learning rates by epoch: ${ends.join(", ")}`);
    };
    body.append(
      make("div", { class: "g2c-controls" }, ...sliders.map((one) => one.row)),
      words,
      lossChart.element,
      rateChart.element,
    );
    model.on("change:replayed", show);
    show();
    return () => model.off("change:replayed", show);
  },
};
