/**
 * Traits of the training scrubber; see `Scrubber` in scrubber.py.
 * @typedef {object} ScrubberTraits
 * @property {string} title  Name of the run.
 * @property {[epochs: number, images: number, height: number, width: number]} size
 * @property {DataView} predictions  uint8 (epochs, images, height, width, 3).
 * @property {DataView} gray  uint8 (images, height, width, 3): the input.
 * @property {DataView} truth  uint8 (images, height, width, 3).
 * @property {[name: string, losses: number[]][]} curves  Loss after each epoch.
 * @property {number[]} events  Epochs, from 1, that are marked in the chart.
 * @property {number} epoch  Chosen, from 1.
 */

/**
 * All images of one kind as one picture, eight in a row at most.
 * @param {ScrubberTraits["size"]} size
 * @param {string} title
 * @param {string} label  For screen readers.
 */
function sheet([, images, height, width], title, label) {
  const columns = Math.min(images, 8);
  const rows = Math.ceil(images / columns);
  const content = picture({ height: rows * height, width: columns * width, zoom: 2, label });
  const pixels = new Uint8Array(rows * columns * height * width * 3).fill(255);
  const line = width * 3; // bytes of one line of an image
  return {
    ...figure(title, content),
    /** Draw the images that start at `offset`. */
    draw(/** @type {Uint8Array} */ source, offset = 0) {
      for (let i = 0; i < images * height; i += 1) {
        const [image, y] = [Math.floor(i / height), i % height];
        const row = Math.floor(image / columns) * height + y;
        const from = offset + i * line;
        pixels.set(source.subarray(from, from + line), (row * columns + (image % columns)) * line);
      }
      content.draw(pixels);
    },
  };
}

/**
 * A slider over epochs: the predictions after that epoch beside input and truth, and the epoch
 * marked on the loss curves.
 * @param {RenderProps<WidgetTraits & ScrubberTraits>} props
 * @returns {() => void}  Ends what observes the page.
 */
function render(props) {
  const { model } = props;
  const { body } = frame(props, `Training of ${model.get("title")}`);
  const size = model.get("size");
  const [epochs, images, height, width] = size;
  const predictions = bytes(model.get("predictions"));
  const lines = model.get("curves").map(([name, values]) => ({ name, values }));

  const gray = sheet(size, "gray input", "Gray input");
  const prediction = sheet(size, "prediction", "");
  const truth = sheet(size, "truth", "Truth");
  gray.draw(bytes(model.get("gray")));
  truth.draw(bytes(model.get("truth")));
  const chart = chartPlace();
  const epoch = slider({
    label: "Epoch",
    min: 1,
    max: epochs,
    value: epochs,
    onChange: (value) => choose(model, { epoch: value }),
  });

  const drawCurves = () =>
    chart.draw({
      label: `Loss curves, marked at epoch ${epoch.value}`,
      xLabel: "epoch",
      yLabel: "loss (MSE)",
      log: true,
      lines,
      marker: epoch.value,
      events: model.get("events"),
    });
  const show = () => {
    epoch.set(model.get("epoch"));
    const at = epoch.value - 1;
    prediction.draw(predictions, at * images * height * width * 3);
    const losses = lines.map(({ name, values }) => `${name} ${values[at].toFixed(5)}`);
    const text = `Prediction after epoch ${epoch.value} of ${epochs}; loss: ${losses.join(", ")}`;
    prediction.picture.setLabel(text);
    prediction.caption.textContent = text;
    drawCurves();
  };
  body.append(
    controlRow(epoch.row),
    pictureRow(gray.element, prediction.element, truth.element),
    chart.element,
  );
  onChoice(model, ["epoch"], show);
  return onResize(chart.element, drawCurves);
}

export default { render };
