/**
 * Traits of the comparison; see `Compare` in compare.py. Of the P pictures of each image the first
 * is gray, the last the truth, those between are the models'.
 * @typedef {object} CompareTraits
 * @property {[images: number, height: number, width: number]} size
 * @property {string[]} names  P names of pictures.
 * @property {DataView} pixels  uint8 (P, images, height, width, 3).
 * @property {string[]} metrics  K names.
 * @property {number[]} digits  K, shown after the decimal point.
 * @property {DataView} scores  float32 (P, K, images); NaN where there is no score.
 * @property {DataView} best  uint8 (P, K, images); 1 where no model is shown a better score.
 * @property {string[]} classes  One per image, or none at all.
 * @property {number} image  Chosen, from 0.
 * @property {string} shown_class  Chosen, or "all".
 * @property {string} order  Chosen, the text of one of `ORDERS`.
 * @property {string} judge  The model chosen to decide on the order.
 * @property {number} zoom  Chosen, one of `ZOOMS`.
 * @property {string} wipe_model  Chosen to be wiped over.
 * @property {number} wipe  Chosen: from 0, gray, over 1, the model, to 2, the truth.
 */

/**
 * An order of the images: that of the arrays, or by a metric, lowest (1) or highest (-1) first.
 * @typedef {{ text: string, metric?: string, sign?: 1 | -1 }} Order
 */

/** @type {Order[]} */
const ORDERS = [
  { text: "original order" },
  { text: "worst first (MSE)", metric: "MSE", sign: -1 },
  { text: "best first (MSE)", metric: "MSE", sign: 1 },
  { text: "most saturated first (colourfulness)", metric: "colourfulness", sign: -1 },
];
const ZOOMS = [2, 4, 6, 8];
const STAR_NOTE =
  "★ best in this row: lowest MSE, luma part, chroma part and CIEDE2000; highest PSNR and SSIM; " +
  "the colourfulness nearest to the truth's.";

/**
 * What the browser holds of all images.
 * @param {Model<CompareTraits>} model
 */
function readImages(model) {
  const [count, height, width] = model.get("size");
  const [metrics, digits] = [model.get("metrics"), model.get("digits")];
  const scores = floats(model.get("scores"));
  const best = bytes(model.get("best"));
  const classes = model.get("classes");
  /** The place of a score in `scores` and `best`; all three numbers from 0. */
  const place = (
    /** @type {number} */ name,
    /** @type {number} */ metric,
    /** @type {number} */ image,
  ) => (name * metrics.length + metric) * count + image;
  return {
    count,
    height,
    width,
    names: model.get("names"),
    metrics,
    pixels: bytes(model.get("pixels")),
    classes,
    describe: (/** @type {number} */ image) =>
      classes.length ? `image ${image}, ${classes[image]}` : `image ${image}`,
    /** @type {(name: number, metric: number, image: number) => number} */
    score: (name, metric, image) => scores[place(name, metric, image)],
    /** @type {(name: number, metric: number, image: number) => string} */
    scoreText(name, metric, image) {
      const at = place(name, metric, image);
      if (Number.isNaN(scores[at])) return "–";
      return (best[at] ? "★ " : "") + scores[at].toFixed(digits[metric]);
    },
  };
}

/** @typedef {ReturnType<typeof readImages>} Images */

/**
 * The images of a class, or of all, in an order.
 * @param {Images} images
 * @param {string | undefined} wanted  A class; undefined takes all.
 * @param {Order} order
 * @param {number} judge  The model, from 0, whose scores decide.
 * @returns {number[]}
 */
function arrangeImages({ count, classes, metrics, score }, wanted, { metric, sign = 1 }, judge) {
  const all = Array.from({ length: count }, (_, image) => image);
  const sequence = wanted === undefined ? all : all.filter((image) => classes[image] === wanted);
  if (metric === undefined) return sequence;
  const value = (/** @type {number} */ image) => score(judge + 1, metrics.indexOf(metric), image);
  return sequence.sort((one, other) => sign * (value(one) - value(other)));
}

/**
 * A picture below its name and above a table of scores. Its elements are made once; `show` writes
 * into them.
 * @param {Images} images
 * @param {number} index  Of the name.
 */
function panel(images, index) {
  const { count, height, width, names, metrics, pixels } = images;
  const name = names[index];
  const {
    element,
    caption,
    picture: content,
  } = figure(name, picture({ height, width, zoom: 4, label: name }));
  const cells = metrics.map(() => document.createTextNode(""));
  const rows = metrics.map((metric, i) =>
    html("tr", {}, html("th", { scope: "row" }, metric), html("td", {}, cells[i])),
  );
  if (index > 0)
    caption.append(html("table", { class: "g2c-scores", "aria-label": name }, ...rows));
  return {
    name,
    element,
    picture: content,
    show(/** @type {number} */ image) {
      content.draw(pixels, (index * count + image) * height * width * 3);
      content.setLabel(`${name}, ${images.describe(image)}`);
      cells.forEach((cell, metric) => {
        cell.data = images.scoreText(index, metric, image);
      });
    },
  };
}

/** @typedef {ReturnType<typeof panel>} Panel */

/**
 * What a wipe shows at a position from 0 to 2. From 0 to 1 the second layer covers the first from
 * the left, from 1 to 2 the third covers the second.
 * @param {Panel[]} layers  Three.
 * @param {number} position
 */
function wipeState(layers, position) {
  const first = position > 1 ? 1 : 0;
  return { under: layers[first], over: layers[first + 1], share: position - first };
}

/**
 * What a wipe shows, in words.
 * @param {ReturnType<typeof wipeState>} state
 */
function wipeText({ under, over, share }) {
  if (share === 0) return `${under.name} alone`;
  if (share === 1) return `${over.name} alone`;
  return `${over.name} over ${under.name}, ${Math.round(share * 100)} %`;
}

/**
 * Let a pointer be dragged over an element. `start` is called when it goes down, and returns what
 * is called then and with each move until it is up.
 * @param {HTMLElement} element
 * @param {() => (event: PointerEvent) => void} start
 */
function onDrag(element, start) {
  /** @type {((event: PointerEvent) => void) | null} */
  let move = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return; // not the main one
    element.setPointerCapture(event.pointerId);
    move = start();
    move(event);
  });
  element.addEventListener("pointermove", (event) => move?.(event));
  for (const end of ["pointerup", "pointercancel"])
    element.addEventListener(end, () => {
      move = null;
    });
}

/**
 * Gray, a model and the truth over each other. A slider, or a drag on the picture, moves the border
 * between two of them.
 * @param {Model<CompareTraits>} chosen
 * @param {Panel[]} panels
 * @param {Images} images
 */
function wipe(chosen, panels, { height, width }) {
  const [gray, models, truth] = [panels[0], panels.slice(1, -1), panels[panels.length - 1]];
  const content = picture({ height, width, zoom: 8, label: "" });
  const handle = html("div", { class: "g2c-handle", "aria-hidden": "true" });
  const stage = html("div", { class: "g2c-stage" }, content.canvas, handle);
  const state = (/** @type {number} */ at) => wipeState([gray, models[model.value], truth], at);
  const draw = (/** @type {string} */ description) => {
    const now = state(position.value);
    const edge = Math.round(now.share * width); // whole columns: no pixel is of two pictures
    content.context.putImageData(now.under.picture.image, 0, 0);
    if (edge) content.context.putImageData(now.over.picture.image, 0, 0, 0, 0, edge, height);
    handle.style.left = `${(100 * edge) / width}%`;
    content.setLabel(`Wipe: ${wipeText(now)}; ${description}`);
  };
  const model = dropdown({
    label: "Wipe over",
    options: models.map(({ name }) => name),
    onChange: (at) => choose(chosen, { wipe_model: models[at].name }),
  });
  const position = slider({
    label: "Wipe from gray to truth",
    min: 0,
    max: 2,
    step: 1 / width,
    value: 0.5,
    format: (at) => wipeText(state(at)),
    onChange: (at) => choose(chosen, { wipe: at }),
  });
  onDrag(stage, () => {
    const box = content.canvas.getBoundingClientRect();
    const first = position.value >= 1 ? 1 : 0; // the border that moves; past an edge, the other
    return ({ clientX }) => {
      position.set(first + (clientX - box.left) / box.width); // the slider limits it
      choose(chosen, { wipe: position.value });
    };
  });
  return {
    element: html("div", { class: "g2c-wipe" }, controlRow(model.row, position.row), stage),
    setZoom: content.setZoom,
    show(/** @type {string} */ description) {
      model.set(models.findIndex(({ name }) => name === chosen.get("wipe_model")));
      position.set(chosen.get("wipe"));
      draw(description);
    },
  };
}

/**
 * Controls that choose the image, the class, the order and its judge, and the zoom.
 * @param {Model<CompareTraits>} chosen
 * @param {Images} images
 */
function compareControls(chosen, images) {
  const kinds = [...new Set(images.classes)].sort();
  const models = images.names.slice(1, -1);
  const kindTexts = kinds.map((kind) => {
    return `${kind} (${images.classes.filter((other) => other === kind).length})`;
  });
  /** @type {number[]} */
  let sequence = []; // the images that are shown, in their order
  const image = slider({
    label: "Image",
    min: 1,
    max: images.count,
    value: 1,
    format(position) {
      const number = sequence[position - 1];
      if (number === undefined) return "";
      return `${position} of ${sequence.length}: ${images.describe(number)}`;
    },
    onChange: (position) => choose(chosen, { image: sequence[position - 1] }),
  });
  /** Choose class, order or judge, and the image that then comes first. */
  const rearrange = (/** @type {Partial<CompareTraits>} */ choices) => {
    choose(chosen, choices);
    choose(chosen, { image: sequence[0] });
  };
  const kind = dropdown({
    label: "Class",
    options: ["all", ...kindTexts],
    onChange: (position) => rearrange({ shown_class: kinds[position - 1] ?? "all" }),
  });
  kind.row.hidden = kinds.length === 0;
  const order = dropdown({
    label: "Order",
    options: ORDERS.map(({ text }) => text),
    onChange: (position) => rearrange({ order: ORDERS[position].text }),
  });
  const judge = dropdown({
    label: "judged by",
    options: models,
    onChange: (position) => rearrange({ judge: models[position] }),
  });
  const zoom = dropdown({
    label: "Zoom",
    options: ZOOMS.map((times) => `${times}×`),
    onChange: (position) => choose(chosen, { zoom: ZOOMS[position] }),
  });
  return {
    rows: [image, kind, order, judge, zoom].map(({ row }) => row),
    image: () => sequence[image.value - 1],
    zoom: () => ZOOMS[zoom.value],
    /** Set all controls to what is chosen. */
    follow() {
      kind.set(kinds.indexOf(chosen.get("shown_class")) + 1);
      order.set(ORDERS.findIndex(({ text }) => text === chosen.get("order")));
      judge.set(models.indexOf(chosen.get("judge")));
      zoom.set(ZOOMS.indexOf(chosen.get("zoom")));
      const by = ORDERS[order.value];
      judge.select.disabled = by.metric === undefined;
      sequence = arrangeImages(images, kinds[kind.value - 1], by, judge.value);
      image.set(sequence.indexOf(chosen.get("image")) + 1, { max: sequence.length });
    },
  };
}

/**
 * Models beside gray and truth, image by image, above a wipe from gray to truth.
 * @param {RenderProps<WidgetTraits & CompareTraits>} props
 */
function render(props) {
  const { model } = props;
  const { root, body } = frame(props, "Compare models");
  const images = readImages(model);
  const panels = images.names.map((_, index) => panel(images, index));
  const wiped = wipe(model, panels, images);
  const controls = compareControls(model, images);

  const show = () => {
    controls.follow();
    const image = controls.image();
    for (const one of panels) {
      one.show(image);
      one.picture.setZoom(controls.zoom());
    }
    wiped.show(images.describe(image));
    wiped.setZoom(2 * controls.zoom());
    root.dataset.image = String(image);
  };
  body.classList.add("g2c-compare");
  body.append(
    controlRow(...controls.rows),
    pictureRow(...panels.map(({ element }) => element)),
    html("p", { class: "g2c-note" }, STAR_NOTE),
    wiped.element,
  );
  onChoice(model, ["image", "shown_class", "order", "judge", "zoom", "wipe_model", "wipe"], show);
}

export default { render };
