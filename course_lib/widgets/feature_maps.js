/**
 * What the kernel computes of the C maps (h, w) of an image; see `describe` in latent.py.
 * @typedef {object} MapsResult
 * @property {DataView} each  uint8 (C, h, w): levels, each map in its own scale.
 * @property {DataView} common  uint8 (C, h, w): levels in one scale for all maps.
 * @property {[low: string, high: string]} range  The ends of the common scale.
 * @property {number[]} order  The maps' numbers, the highest mean activation first.
 * @property {string[]} captions  One per map.
 */

/**
 * Traits of the feature maps; see `FeatureMaps` in latent.py. A request is an image and a model,
 * each from 0.
 * @typedef {object} MapsTraits
 * @property {[images: number, height: number, width: number]} size
 * @property {[maps: number, height: number, width: number]} latent
 * @property {DataView} gray  uint8 (images, height, width): the inputs.
 * @property {string[]} names  Of the models.
 * @property {number} map  Chosen, its number.
 * @property {string} order  Chosen, one of `MAP_ORDERS`.
 * @property {string} scale  Chosen, one of `SCALES`.
 */

/** @typedef {[image: number, model: number]} MapsRequest */

const MAP_ORDERS = ["by number", "by mean activation, highest first"];
const SCALES = ["each map in its own scale", "one scale for all maps"];
const OWN_RANGE = ["the smallest", "the largest value of each map"];
const GAP = 2; // white pixels around each map of the sheet

/**
 * Where each map lies in a sheet of all maps.
 * @typedef {object} SheetLayout
 * @property {number} height  Of the sheet, in pixels.
 * @property {number} width
 * @property {number} rows  Of maps.
 * @property {number} columns
 * @property {(place: number) => [top: number, left: number]} corner  Of the map at a place.
 */

/**
 * @param {MapsTraits["latent"]} latent
 * @returns {SheetLayout}
 */
function sheetLayout([maps, height, width]) {
  const columns = Math.ceil(Math.sqrt(maps));
  const rows = Math.ceil(maps / columns);
  return {
    rows,
    columns,
    height: rows * (height + GAP) + GAP,
    width: columns * (width + GAP) + GAP,
    corner: (place) => [
      GAP + Math.floor(place / columns) * (height + GAP),
      GAP + (place % columns) * (width + GAP),
    ],
  };
}

/**
 * All maps in one picture, a black frame around the chosen one.
 * @param {Uint8Array} levels  (C, h, w).
 * @param {MapsTraits["latent"]} latent
 * @param {number[]} order  The number of the map at each place.
 * @param {number} chosen  The number of a map.
 * @returns {Uint8Array}
 */
function sheetPixels(levels, latent, order, chosen) {
  const [, height, width] = latent;
  const layout = sheetLayout(latent);
  const pixels = new Uint8Array(layout.height * layout.width).fill(255);
  order.forEach((number, place) => {
    const [top, left] = layout.corner(place);
    const at = (/** @type {number} */ y, /** @type {number} */ x) => y * layout.width + x;
    if (number === chosen)
      for (let y = top - GAP; y < top + height + GAP; y += 1)
        pixels.fill(0, at(y, left - GAP), at(y, left + width + GAP));
    for (let y = 0; y < height; y += 1) {
      const from = (number * height + y) * width;
      pixels.set(levels.subarray(from, from + width), at(top + y, left));
    }
  });
  return pixels;
}

/**
 * The pictures of the widget: the input, the chosen map, the sheet of all maps.
 * @param {MapsTraits["size"]} size
 * @param {MapsTraits["latent"]} latent
 */
function mapFigures([, height, width], latent) {
  const make = (
    /** @type {string} */ title,
    /** @type {{ height: number, width: number }} */ pixels,
    /** @type {number} */ side, // of the enlarged picture, at most
  ) => {
    const zoom = Math.max(1, Math.floor(side / Math.max(pixels.height, pixels.width)));
    return figure(
      title,
      picture({ height: pixels.height, width: pixels.width, zoom, label: title }),
    );
  };
  return {
    input: make("gray input", { height, width }, 200),
    map: make("", { height: latent[1], width: latent[2] }, 200),
    sheet: make("", sheetLayout(latent), 580),
  };
}

/**
 * Call `choose` with the place of a map in the sheet when it is clicked.
 * @param {HTMLCanvasElement} canvas
 * @param {SheetLayout} layout
 * @param {(place: number) => void} choose
 */
function onMapClick(canvas, { rows, columns }, choose) {
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    choose(row * columns + column);
  });
}

/**
 * Controls that choose an image, a model, a map, the order of the maps and their scale.
 * @param {Model<KernelTraits<MapsRequest, MapsResult> & MapsTraits>} widget
 * @param {object} callbacks
 * @param {(place: number) => void} callbacks.onPlace  Called when a map is chosen by its place.
 * @param {(place: number) => string} callbacks.formatPlace
 */
function mapControls(widget, { onPlace, formatPlace }) {
  const [images] = widget.get("size");
  const [numMaps] = widget.get("latent");
  const names = widget.get("names");
  const request = () => choose(widget, { request: [image.value, model.value] });
  const image = slider({
    label: "Image",
    min: 0,
    max: images - 1,
    value: 0,
    format: (number) => `image ${number}`,
    onChange: request,
  });
  const model = dropdown({ label: "Model", options: names, onChange: request });
  model.row.hidden = names.length < 2;
  const order = dropdown({
    label: "Order",
    options: MAP_ORDERS,
    onChange: (position) => choose(widget, { order: MAP_ORDERS[position] }),
  });
  const scale = dropdown({
    label: "Gray levels",
    options: SCALES,
    onChange: (position) => choose(widget, { scale: SCALES[position] }),
  });
  const place = slider({
    label: "Map",
    min: 0,
    max: numMaps - 1,
    value: 0,
    format: formatPlace,
    onChange: onPlace,
  });
  return { image, model, order, scale, place };
}

/**
 * The maps of a convolutional latent: all in one sheet, one enlarged beside its image.
 * @param {RenderProps<WidgetTraits & KernelTraits<MapsRequest, MapsResult> & MapsTraits>} props
 */
function render(props) {
  const { model } = props;
  const { body } = frame(props, "Feature maps");
  const [size, latent, names] = [model.get("size"), model.get("latent"), model.get("names")];
  const [numMaps, height, width] = latent;
  const gray = bytes(model.get("gray"));
  const { input, map, sheet } = mapFigures(size, latent);
  const pair = html("div", { class: "g2c-pictures g2c-stack" }, input.element, map.element);
  const results = pictureRow(pair, sheet.element);
  const byNumber = Array.from({ length: numMaps }, (_, number) => number);
  let order = byNumber; // the number of the map at each place

  const drawInput = (/** @type {number} */ image) => {
    input.picture.draw(gray, image * size[1] * size[2], 1);
    input.picture.setLabel(`Gray input, image ${image}`);
    input.caption.textContent = `image ${image}`;
  };
  const draw = () => {
    const result = requests.result();
    if (!result) return;
    const [image, which] = model.get("request");
    const chosen = byNumber.at(model.get("map")) ?? 0;
    const suffix = names.length > 1 ? `, ${names[which]}` : "";
    const common = controls.scale.value === 1;
    const levels = bytes(common ? result.common : result.each);
    const [black, white] = common ? result.range : OWN_RANGE;
    order = controls.order.value === 1 ? result.order : byNumber;
    controls.place.set(order.indexOf(chosen));
    drawInput(image);

    const caption = result.captions[chosen];
    map.picture.draw(levels, chosen * height * width, 1);
    map.picture.setLabel(`Map ${chosen} of image ${image}${suffix}: ${caption}`);
    map.heading.textContent = `map ${chosen}${suffix}`;
    map.caption.textContent = caption.replaceAll("; ", "\n");

    const title = `all ${numMaps} maps of ${height} x ${width}${suffix}`;
    const legend = `black is ${black}, white ${white}; the chosen map has a black frame`;
    sheet.picture.draw(sheetPixels(levels, latent, order, chosen), 0, 1);
    sheet.picture.setLabel(`${title} of image ${image}; ${legend}`);
    sheet.heading.textContent = title;
    sheet.caption.textContent = legend;
  };
  const choosePlace = (/** @type {number} */ place) => {
    if (place in order) choose(model, { map: order[place] }); // the last row may have free places
  };
  const requests = kernelRequests(props, results, draw);
  const controls = mapControls(model, {
    onPlace: choosePlace,
    formatPlace: (place) => `map ${order[place]}, place ${place + 1} of ${numMaps}`,
  });
  onMapClick(sheet.picture.canvas, sheetLayout(latent), choosePlace);

  const follow = () => {
    const [image, which] = model.get("request");
    controls.image.set(image);
    controls.model.set(which);
    controls.order.set(MAP_ORDERS.indexOf(model.get("order")));
    controls.scale.set(SCALES.indexOf(model.get("scale")));
    draw();
  };
  const rows = Object.values(controls).map(({ row }) => row);
  body.append(controlRow(...rows), requests.message, results);
  onChoice(model, ["request", "map", "order", "scale"], follow);
  requests.refresh();
}

export default { render };
