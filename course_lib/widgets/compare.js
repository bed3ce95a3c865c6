const ORDERS = [
  { text: "as they come" },
  { text: "worst first (MSE)", row: "MSE", sign: -1 },
  { text: "best first (MSE)", row: "MSE", sign: 1 },
  { text: "most saturated first (colourfulness)", row: "colourfulness", sign: -1 },
];
const ZOOMS = [2, 4, 6, 8];

/** A picture under its name, over a table of figures. Nodes are made once and then written anew. */
function panel(name, { height, width }, rows) {
  const shown = picture({ height, width, zoom: 4, label: name });
  const { element, below } = figure(name, shown);
  const cells = rows.map(() => document.createTextNode(""));
  const line = (text, row) =>
    make("tr", {}, make("th", { scope: "row" }, text), make("td", {}, cells[row]));
  if (name !== "gray")
    below.append(make("table", { class: "g2c-figures", "aria-label": name }, ...rows.map(line)));
  return { name, shown, element, cells };
}

/**
 * Three panels over each other, the border between them drawn by a slider or on the picture itself.
 * From 0 to 1 the second covers the first from the left, from 1 to 2 the third covers the second.
 */
function wipe(panels, { height, width }) {
  const models = panels.slice(1, -1);
  let layers = [];
  let about = "";
  const shown = picture({ height, width, zoom: 8, label: "" });
  const handle = make("div", { class: "g2c-handle", "aria-hidden": "true" });
  const stage = make("div", { class: "g2c-stage" }, shown.canvas, handle);

  /** The layer at the right of the border, the one at its left, and its place from 0 to 1. */
  const parts = (at) => (at > 1 ? [layers[1], layers[2], at - 1] : [layers[0], layers[1], at]);
  const say = (at) => {
    const [under, over, share] = parts(at);
    if (share === 0 || share === 1) return `${(share ? over : under).name} alone`;
    return `${over.name} over ${under.name}, ${Math.round(share * 100)} %`;
  };
  const draw = () => {
    const [under, over, share] = parts(at.value);
    const edge = Math.round(share * width); // whole columns: no pixel is of two pictures
    shown.context.putImageData(under.shown.image, 0, 0);
    if (edge) shown.context.putImageData(over.shown.image, 0, 0, 0, 0, edge, height);
    handle.style.left = `${(100 * edge) / width}%`;
    shown.canvas.setAttribute("aria-label", `Wipe: ${say(at.value)}; ${about}`);
  };
  const choose = (position) => {
    layers = [panels[0], models[position], panels.at(-1)];
  };
  choose(models.length - 1);
  const which = choice({
    label: "Wipe over",
    options: models.map(({ name }) => name),
    value: models.length - 1, // baselines are mostly given first
    onchange(position) {
      choose(position);
      at.tell();
      draw();
    },
  });
  const at = slider({
    label: "Wipe from gray to truth",
    min: 0, max: 2, step: 1 / width, value: 0.5,
    say, onchange: draw,
  });

  let move = null; // while a pointer is down
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const box = shown.canvas.getBoundingClientRect();
    const first = at.value >= 1 ? 1 : 0; // which cover is drawn; past an edge comes the other
    stage.setPointerCapture(event.pointerId);
    move = ({ clientX }) => {
      at.set(first + (clientX - box.left) / box.width); // the input keeps it between 0 and 2
      draw();
    };
    move(event);
  });
  stage.addEventListener("pointermove", (event) => move?.(event));
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, () => (move = null));

  const element = make("div", { class: "g2c-wipe" },
    make("div", { class: "g2c-controls" }, which.row, at.row), stage);
  return {
    element,
    enlarge: (times) => shown.enlarge(times),
    show(text) {
      about = text;
      draw();
    },
  };
}

export default {
  render({ model, el }) {
    const body = frame(model, el, "Compare models");
    const root = body.parentElement;
    const [images, height, width] = model.get("size");
    const [names, rows, digits] = [model.get("names"), model.get("rows"), model.get("digits")];
    const classes = model.get("classes"); // of each image, or none at all
    const pixels = bytes(model.get("pixels"));
    const figures = floats(model.get("figures"));
    const best = bytes(model.get("best"));
    const place = (kind, row, image) => (kind * rows.length + row) * images + image;

    const panels = names.map((name) => panel(name, { height, width }, rows));
    const wiped = wipe(panels, { height, width });
    const kinds = [...new Set(classes)].sort();
    let sequence = []; // the images that are chosen, in their order

    const describe = (image) => `image ${image}` + (classes.length ? `, ${classes[image]}` : "");
    const text = (kind, row, image) => {
      const value = figures[place(kind, row, image)];
      if (Number.isNaN(value)) return "–";
      return (best[place(kind, row, image)] ? "★ " : "") + value.toFixed(digits[row]);
    };
    const show = (position) => {
      const image = sequence[position - 1];
      panels.forEach(({ name, shown, cells }, kind) => {
        shown.draw(pixels, (kind * images + image) * height * width * 3);
        shown.canvas.setAttribute("aria-label", `${name}, ${describe(image)}`);
        cells.forEach((cell, row) => (cell.data = text(kind, row, image)));
      });
      wiped.show(describe(image));
      root.dataset.image = image;
    };
    const arrange = () => {
      const wanted = kinds[filter.value - 1]; // none: all
      const { row, sign } = ORDERS[order.value];
      sequence = Array.from({ length: images }, (_, image) => image);
      if (wanted !== undefined) sequence = sequence.filter((image) => classes[image] === wanted);
      const value = (image) => figures[place(judge.value + 1, rows.indexOf(row), image)];
      if (row) sequence.sort((one, other) => sign * (value(one) - value(other)));
      judge.select.disabled = !row;
      index.set(1, { max: sequence.length });
      show(1);
    };
    const enlarge = (position) => {
      for (const { shown } of panels) shown.enlarge(ZOOMS[position]);
      wiped.enlarge(2 * ZOOMS[position]);
    };

    const index = slider({
      label: "Image", min: 1, max: images, value: 1, onchange: show,
      say(position) {
        const image = sequence[position - 1];
        return image === undefined ? "" : `${position} of ${sequence.length}: ${describe(image)}`;
      },
    });
    const count = (kind) => classes.filter((other) => other === kind).length;
    const options = ["all", ...kinds.map((kind) => `${kind} (${count(kind)})`)];
    const filter = choice({ label: "Class", options, onchange: arrange });
    filter.row.hidden = kinds.length === 0;
    const orders = ORDERS.map((one) => one.text);
    const order = choice({ label: "Order", options: orders, onchange: arrange });
    const judge = choice({
      label: "judged by", options: names.slice(1, -1), value: names.length - 3, onchange: arrange,
    });
    const times = ZOOMS.map((zoom) => `${zoom}×`);
    const zoom = choice({ label: "Zoom", options: times, value: 1, onchange: enlarge });
    body.classList.add("g2c-compare");
    body.append(
      make("div", { class: "g2c-controls" }, index.row, filter.row, order.row, judge.row, zoom.row),
      make("div", { class: "g2c-pictures" }, ...panels.map(({ element }) => element)),
      make("p", { class: "g2c-note" },
        "★ best in this line: least MSE, luma part, chroma part and CIEDE2000; most PSNR and " +
          "SSIM; the colourfulness nearest to the truth's."),
      wiped.element,
    );
    enlarge(zoom.value);
    arrange();
  },
};
