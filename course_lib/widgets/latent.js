/**
 * @typedef {"pair" | "direction"} WalkKind
 *   From one image to another, or from an image along a principal direction.
 */

/**
 * What the kernel computes of a walk of F frames; see `Latent.walk` in latent.py.
 * @typedef {object} WalkResult
 * @property {DataView} frames  uint8 (F, height, width, 3): the decoded latents.
 * @property {DataView} references  uint8 (F, height, width, 3): what frames are compared with.
 * @property {string} title
 * @property {string} reference_title
 * @property {string[]} captions  One per frame.
 */

/**
 * Traits of the latent walk; see `Walk` in latent.py. A request is the kind of the walk, the image
 * at which it starts, and the other image or the direction, each from 0.
 * @typedef {object} WalkTraits
 * @property {[images: number, height: number, width: number]} size
 * @property {DataView} gray  uint8 (images, height, width): the inputs.
 * @property {Record<WalkKind, string[]>} places  Where each frame lies, in words.
 * @property {string[]} directions  Names of the principal directions.
 * @property {number} frame  Chosen, from 0.
 */

/** @typedef {[kind: WalkKind, start: number, other: number]} WalkRequest */

/** @type {WalkKind[]} */
const KINDS = ["pair", "direction"];

/**
 * The pictures of the widget: two inputs, the walk and what it is compared with.
 * @param {WalkTraits["size"]} size
 */
function walkFigures([, height, width]) {
  const zoom = Math.max(1, Math.floor(160 / Math.max(height, width)));
  const make = (/** @type {string} */ title, /** @type {number} */ times) =>
    figure(title, picture({ height, width, zoom: times, label: title }));
  const half = Math.ceil(zoom / 2);
  return {
    inputs: [make("from", half), make("to", half)],
    walk: make("", zoom),
    reference: make("", zoom),
  };
}

/**
 * Controls that choose a walk and a frame of it, all set by `follow`.
 * @param {Model<KernelTraits<WalkRequest, WalkResult> & WalkTraits>} model
 */
function walkControls(model) {
  const [images] = model.get("size");
  const places = model.get("places");
  const middle = (places.pair.length - 1) / 2; // half of the way, or at the image itself
  /** @type {{ kind: WalkKind, start: number, pair: number, direction: number }} */
  const chosen = { kind: "pair", start: 0, pair: 1, direction: 0 };
  const walk = (/** @type {Partial<typeof chosen>} */ choice) => {
    Object.assign(chosen, choice);
    choose(model, { request: [chosen.kind, chosen.start, chosen[chosen.kind]] });
  };
  const kind = dropdown({
    label: "Walk",
    options: ["between two images", "along a principal direction"],
    onChange(position) {
      choose(model, { frame: middle });
      walk({ kind: KINDS[position] });
    },
  });
  const format = (/** @type {number} */ image) => `image ${image}`;
  const range = { min: 0, max: images - 1, value: 0, format };
  const start = slider({ ...range, label: "From", onChange: (image) => walk({ start: image }) });
  const end = slider({ ...range, label: "To", onChange: (image) => walk({ pair: image }) });
  const direction = dropdown({
    label: "Direction",
    options: model.get("directions"),
    onChange: (position) => walk({ direction: position }),
  });
  const place = slider({
    label: "Position",
    min: 0,
    max: places.pair.length - 1,
    value: middle,
    format: (frame) => places[chosen.kind][frame],
    onChange: (frame) => choose(model, { frame }),
  });
  return {
    rows: [kind, start, end, direction, place].map(({ row }) => row),
    chosen,
    place,
    /** Set all controls to what is chosen. */
    follow() {
      const [name, first, second] = model.get("request");
      Object.assign(chosen, { kind: name, start: first, [name]: second });
      kind.set(KINDS.indexOf(name));
      direction.set(chosen.direction);
      start.set(first);
      end.set(chosen.pair);
      place.set(model.get("frame"));
      end.row.hidden = name !== "pair";
      direction.row.hidden = name === "pair";
    },
  };
}

/**
 * A walk through the latent space: every place of it decoded to a picture, under a slider.
 * @param {RenderProps<WidgetTraits & KernelTraits<WalkRequest, WalkResult> & WalkTraits>} props
 */
function render(props) {
  const { model } = props;
  const { body } = frame(props, "Latent walk");
  const size = model.get("size");
  const pixels = size[1] * size[2];
  const gray = bytes(model.get("gray"));
  const places = model.get("places");
  const { inputs, walk, reference } = walkFigures(size);
  const caption = html("p", { class: "g2c-caption" });
  const results = html("div", {}, pictureRow(walk.element, reference.element), caption);

  const drawFrame = () => {
    const result = requests.result();
    if (!result) return;
    const index = controls.place.value;
    const place = places[model.get("request")[0]][index];
    walk.picture.draw(bytes(result.frames), index * pixels * 3);
    reference.picture.draw(bytes(result.references), index * pixels * 3);
    walk.heading.textContent = result.title;
    reference.heading.textContent = result.reference_title;
    caption.textContent = result.captions[index];
    walk.picture.setLabel(`${result.title}, ${place}. ${result.captions[index]}`);
    reference.picture.setLabel(`${result.reference_title}, beside ${result.title}, ${place}`);
  };
  const requests = kernelRequests(props, results, drawFrame);
  const controls = walkControls(model);

  const follow = () => {
    controls.follow();
    const { kind, start, pair } = controls.chosen;
    inputs[1].element.hidden = kind !== "pair";
    [start, pair].forEach((image, i) => {
      inputs[i].picture.draw(gray, image * pixels, 1);
      inputs[i].picture.setLabel(`Gray input, image ${image}`);
      inputs[i].heading.textContent = `${i ? "to" : "from"} image ${image}`;
    });
  };
  body.append(
    controlRow(...controls.rows),
    requests.message,
    pictureRow(...inputs.map(({ element }) => element), results),
  );
  onChoice(model, ["request", "frame"], follow);
  onChoice(model, ["frame"], requests.refresh);
}

export default { render };
