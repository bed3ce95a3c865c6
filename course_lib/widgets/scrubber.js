export default {
  render({ model, el }) {
    const body = frame(model, el, `Training of ${model.get("title")}`);
    const [epochs, images, height, width] = model.get("size");
    const columns = Math.min(images, 8);
    const stride = height * width * 3;
    const predictions = bytes(model.get("predictions"));
    const curves = model.get("curves");

    /** All images of one kind as one picture, `columns` in a row. */
    const sheet = (label) => {
      const rows = Math.ceil(images / columns);
      const shown = picture({ height: rows * height, width: columns * width, zoom: 2, label });
      const pixels = new Uint8Array(rows * columns * stride).fill(255);
      const draw = (source, offset) => {
        for (let n = 0; n < images; n += 1)
          for (let y = 0; y < height; y += 1) {
            const from = offset + n * stride + y * width * 3;
            const to = ((Math.floor(n / columns) * height + y) * columns + (n % columns)) * width * 3;
            pixels.set(source.subarray(from, from + width * 3), to);
          }
        shown.draw(pixels);
      };
      return { shown, draw };
    };

    const kinds = { gray: sheet("Gray input"), prediction: sheet(""), truth: sheet("Truth") };
    kinds.gray.draw(bytes(model.get("gray")), 0);
    kinds.truth.draw(bytes(model.get("truth")), 0);
    const curvePlace = chartPlace();
    const lines = Object.entries(curves).map(([name, values]) => ({ name, values }));

    const drawCurves = () => {
      const label = `Loss curves, marked at epoch ${epoch.value}`;
      const losses = curvePlace.fresh({ label, xlabel: "epoch", ylabel: "loss (MSE)", log: true });
      losses.draw(lines, { marker: epoch.value, events: model.get("events") });
    };
    const show = () => {
      kinds.prediction.draw(predictions, (epoch.value - 1) * images * stride);
      const values = lines.map(({ name, values }) => `${name} ${values[epoch.value - 1].toFixed(5)}`);
      const text = `Prediction after epoch ${epoch.value} of ${epochs}; loss: ${values.join(", ")}`;
      kinds.prediction.shown.canvas.setAttribute("aria-label", text);
      painted.below.textContent = text;
      drawCurves();
    };
    const epoch = slider({ label: "Epoch", min: 1, max: epochs, value: epochs, onchange: show });
    const painted = figure("prediction", kinds.prediction.shown);
    body.append(
      make("div", { class: "g2c-controls" }, epoch.row),
      make("div", { class: "g2c-pictures" },
        figure("gray input", kinds.gray.shown).element, painted.element, figure("truth", kinds.truth.shown).element),
      curvePlace.element,
    );
    show();
    return onResize(curvePlace.element, drawCurves);
  },
};
