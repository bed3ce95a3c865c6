/**
 * The kernel's replay of a plateau rule; see `replay` in rates.py.
 * @typedef {object} Replay
 * @property {number[]} rates  Learning rate in each epoch.
 * @property {number[]} falls  Epochs, from 1, after which the rate falls.
 * @property {string} summary
 */

/**
 * Traits of the learning-rate explorer; see `Rates` in rates.py. A request holds one value for each
 * parameter.
 * @typedef {object} RatesTraits
 * @property {number[]} losses  Validation loss after each epoch.
 * @property {[parameter: Parameter, values: number[]][]} slider_values  What each slider offers.
 * @property {[name: string, rates: number[]][]} others  Other schedules: a rate in each epoch.
 */

/** @typedef {keyof typeof PARAMETERS} Parameter */

// The label of each parameter's slider, and how its value is written.
const PARAMETERS = {
  factor: {
    label: "factor",
    format: (/** @type {number} */ v) => String(Number(v.toPrecision(3))),
  },
  patience: { label: "patience", format: epochs },
  min_delta: { label: "min_delta", format: scientific },
  cooldown: { label: "cooldown", format: epochs },
  min_lr: { label: "floor (min_lr)", format: scientific },
};

/**
 * 1 -> "1 epoch"
 * @param {number} count
 */
function epochs(count) {
  return `${count} ${count === 1 ? "epoch" : "epochs"}`;
}

/**
 * 0.0003 -> "3e-4"
 * @param {number} value
 */
function scientific(value) {
  return value === 0 ? "0" : value.toExponential().replace("e+0", "");
}

/**
 * The position in `values` of the one that is nearest to `value`.
 * @param {number[]} values
 * @param {number} value
 */
function nearest(values, value) {
  const distances = values.map((other) => Math.abs(other - value));
  return distances.indexOf(Math.min(...distances));
}

/**
 * A slider whose positions stand for `values`.
 * @param {Parameter} parameter
 * @param {number[]} values
 * @param {() => void} onChange
 */
function parameterSlider(parameter, values, onChange) {
  const { label, format } = PARAMETERS[parameter];
  const position = slider({
    label,
    min: 0,
    max: values.length - 1,
    value: 0,
    format: (at) => format(values[at]),
    onChange,
  });
  return {
    row: position.row,
    get value() {
      return values[position.value];
    },
    set(/** @type {number} */ value) {
      position.set(nearest(values, value));
    },
  };
}

/**
 * @param {number[]} losses
 * @param {Replay} replay
 * @returns {ChartOptions}
 */
function lossChart(losses, { falls, summary }) {
  return {
    label: `Validation loss by epoch. ${summary}`,
    xLabel: "epoch (▼: then the rate falls)",
    yLabel: "validation loss",
    log: losses.every((loss) => loss > 0),
    lines: [{ name: "recorded", values: losses }],
    events: falls,
    nameEvents: true,
  };
}

/**
 * @param {[name: string, rates: number[]][]} schedules  Learning rates in each epoch.
 * @returns {ChartOptions}
 */
function rateChart(schedules) {
  const lines = schedules.map(([name, values]) => ({ name, values, steps: true }));
  const ends = lines.map(({ name, values }) => {
    return `${name} ends at ${values[values.length - 1].toExponential(1)}`;
  });
  return {
    label: `Learning rates by epoch: ${ends.join(", ")}`,
    xLabel: "epoch",
    yLabel: "learning rate",
    log: true,
    decades: true,
    lines,
  };
}

/**
 * Sliders for the parameters of a plateau rule: where it would have lowered the learning rate on a
 * recorded loss curve, beside other schedules.
 * @param {RenderProps<WidgetTraits & KernelTraits<number[], Replay> & RatesTraits>} props
 * @returns {() => void}  Ends what observes the page.
 */
function render(props) {
  const { model } = props;
  const { body } = frame(props, "Learning-rate explorer");
  const summary = html("p", { role: "status" });
  const [losses, rates] = [chartPlace(), chartPlace()];
  const results = html("div", {}, summary, pictureRow(losses.element, rates.element));

  const sliders = model.get("slider_values").map(([parameter, values]) => {
    return parameterSlider(parameter, values, () =>
      choose(model, { request: sliders.map((s) => s.value) }),
    );
  });
  const requests = kernelRequests(props, results, (replay) => {
    summary.textContent = replay.summary;
    losses.draw(lossChart(model.get("losses"), replay));
    rates.draw(rateChart([["plateau", replay.rates], ...model.get("others")]));
  });
  body.append(controlRow(...sliders.map(({ row }) => row)), requests.message, results);
  onChoice(model, ["request"], () => {
    model.get("request").forEach((value, i) => {
      sliders[i].set(value);
    });
  });
  return onResize(losses.element, requests.refresh);
}

export default { render };
