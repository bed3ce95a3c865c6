// Shared by every widget: elements, labelled controls, pictures on canvases.
//
// parts.py joins the shared scripts and the script of one widget into a single module. What is
// declared here is therefore visible in all of them, and no two of them may declare the same name.

/**
 * Traits of every widget; see `Widget` in parts.py.
 * @typedef {object} WidgetTraits
 * @property {string} error  A message that takes the place of the widget; "" if there is none.
 * @property {string} still_id  A class of the elements that show its still picture.
 */

/**
 * A `traitlets.Bytes`, as it comes from one host or another.
 * @typedef {ArrayBuffer | ArrayBufferView} Bytes
 */

/**
 * The traits of a widget as the browser sees them.
 * @template {object} Traits
 * @typedef {import("@anywidget/types").AnyModel<Traits>} Model
 */

/**
 * What anywidget passes to `render`.
 * @template {WidgetTraits} Traits
 * @typedef {import("@anywidget/types").RenderProps<Traits>} RenderProps
 */

/**
 * Create an HTML element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * An id that is unique on the page. It is random: each kind of widget has its own copy of this
 * script, so copies of a counter would clash.
 * @param {string} kind
 * @returns {string}
 */
function newId(kind) {
  return `g2c-${kind}-${Math.random().toString(36).slice(2)}`;
}

/**
 * Set traits to what the reader has chosen.
 * @template {object} Traits
 * @param {Model<Traits>} model
 * @param {Partial<Traits>} choices  Name of a trait -> its new value.
 */
function choose(model, choices) {
  for (const name of /** @type {(keyof Traits)[]} */ (Object.keys(choices)))
    model.set(name, /** @type {Traits[typeof name]} */ (choices[name]));
  try {
    model.save_changes();
  } catch {
    // The kernel has been shut down. The choice is kept in the browser.
  }
}

/**
 * Call `show` now and whenever one of these traits changes: by a control, another view, or Python.
 * @template {object} Traits
 * @param {Model<Traits>} model
 * @param {(keyof Traits & string)[]} names
 * @param {() => void} show  It sets the controls too, which limit a trait to what they offer.
 */
function onChoice(model, names, show) {
  for (const name of names) model.on(`change:${name}`, show);
  show();
}

/**
 * Whether a key has a meaning to the controls of a widget. Escape and shortcuts are JupyterLab's.
 * @param {KeyboardEvent} event
 */
function isPlainKey({ key, ctrlKey, altKey, metaKey }) {
  return key !== "Escape" && !ctrlKey && !altKey && !metaKey;
}

/**
 * Hide elements until a signal is given. JupyterLab hides them by the style that comes with them.
 * @param {Iterable<Element>} elements
 * @param {AbortSignal} signal
 */
function hideUntil(elements, signal) {
  for (const element of [...elements]) {
    element.toggleAttribute("hidden", true);
    signal.addEventListener("abort", () => element.toggleAttribute("hidden", false));
  }
}

/**
 * Add the outer element of a widget to the page, in place of its still picture. It keeps plain keys
 * away from JupyterLab, which would act on the cell, and while the trait `error` is set, shows it
 * and disables the rest.
 * @param {RenderProps<WidgetTraits>} props
 * @param {string} label  Name of the widget for screen readers.
 * @returns {{ root: HTMLElement, body: HTMLElement }}
 */
function frame({ model, el, signal }, label) {
  const root = html("div", { class: "g2c", role: "group", "aria-label": label });
  root.addEventListener("keydown", (event) => {
    if (isPlainKey(event)) event.stopPropagation();
  });
  hideUntil(document.getElementsByClassName(model.get("still_id")), signal);
  const message = html("p", { class: "g2c-message", role: "alert" });
  const body = html("div", { class: "g2c-body" });
  root.append(message, body);
  el.append(root);
  const showError = () => {
    const error = model.get("error");
    message.hidden = !error;
    message.textContent = error;
    body.inert = Boolean(error);
    body.classList.toggle("g2c-stale", Boolean(error));
  };
  model.on("change:error", showError);
  showError();
  return { root, body };
}

/**
 * A row of controls.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
function controlRow(...children) {
  return html("div", { class: "g2c-controls" }, ...children);
}

/**
 * A row of pictures or charts.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
function pictureRow(...children) {
  return html("div", { class: "g2c-pictures" }, ...children);
}

/**
 * @typedef {object} Slider
 * @property {HTMLElement} row  The label, the slider and its value as text.
 * @property {number} value
 * @property {() => void} updateText  Call this when `format` would give another text.
 * @property {(value: number, range?: { max: number }) => void} set  Does not call `onChange`.
 */

/**
 * A labelled slider with its value as text beside it.
 * @param {object} options
 * @param {string} options.label
 * @param {number} options.min
 * @param {number} options.max
 * @param {number} [options.step]
 * @param {number} options.value
 * @param {(value: number) => string} [options.format]  Turns the value into its text.
 * @param {(value: number) => void} options.onChange  Called when the user moves the slider.
 * @returns {Slider}
 */
function slider({ label, min, max, step = 1, value, format = String, onChange }) {
  const id = newId("slider");
  const output = html("output", { for: id });
  const input = html("input", { id, type: "range", min, max, step, value });
  const updateText = () => {
    output.textContent = format(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    updateText();
    onChange(input.valueAsNumber);
  });
  updateText();
  return {
    row: html("div", { class: "g2c-control" }, html("label", { for: id }, label), input, output),
    updateText,
    get value() {
      return input.valueAsNumber;
    },
    set(next, range) {
      if (range) input.max = String(range.max); // before the value, which it limits
      input.value = String(next);
      updateText();
    },
  };
}

/**
 * @typedef {object} Dropdown
 * @property {HTMLElement} row  The label and the list.
 * @property {HTMLSelectElement} select
 * @property {number} value  Position of the chosen option, from 0.
 * @property {(position: number) => void} set  Does not call `onChange`.
 */

/**
 * A labelled list, of which one option is chosen.
 * @param {object} options
 * @param {string} options.label
 * @param {string[]} options.options
 * @param {number} [options.value]  Position of the first choice.
 * @param {(position: number) => void} options.onChange  Called when the user chooses.
 * @returns {Dropdown}
 */
function dropdown({ label, options, value = 0, onChange }) {
  const id = newId("dropdown");
  const select = html("select", { id });
  options.forEach((text, position) => {
    select.append(html("option", { value: position }, text));
  });
  select.value = String(value);
  select.addEventListener("change", () => onChange(Number(select.value)));
  return {
    row: html("div", { class: "g2c-control" }, html("label", { for: id }, label), select),
    select,
    get value() {
      return Number(select.value);
    },
    set(position) {
      select.value = String(position);
    },
  };
}

/**
 * The bytes of a `traitlets.Bytes`, at whatever offset they arrived.
 * @param {Bytes} data
 * @returns {Uint8Array}
 */
function bytes(data) {
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}

/**
 * The float32 numbers of a `traitlets.Bytes`, copied so that they are aligned.
 * @param {Bytes} data
 * @returns {Float32Array}
 */
function floats(data) {
  return new Float32Array(bytes(data).slice().buffer);
}

/**
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderingContext2D} context
 * @property {ImageData} image  The pixels drawn last; white at first.
 * @property {(label: string) => void} setLabel  What the picture shows, for screen readers.
 * @property {(zoom: number) => void} setZoom  Screen pixels per pixel.
 * @property {(pixels: ArrayLike<number>, offset?: number, channels?: 1 | 3) => void} draw
 *   Draw levels from 0 to 255, RGB (3 channels) or gray (1), that start at `offset` of `pixels`.
 */

/**
 * A picture, enlarged without smoothing.
 * @param {object} options
 * @param {number} options.height  In pixels.
 * @param {number} options.width  In pixels.
 * @param {number} options.zoom  Screen pixels per pixel.
 * @param {string} options.label  What it shows, for screen readers.
 * @returns {Picture}
 */
function picture({ height, width, zoom, label }) {
  const canvas = html("canvas", { class: "g2c-picture", role: "img", width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  const image = context.createImageData(width, height);
  image.data.fill(255);
  /** @type {Picture} */
  const result = {
    canvas,
    context,
    image,
    setLabel(text) {
      canvas.setAttribute("aria-label", text);
    },
    setZoom(times) {
      canvas.style.width = `${width * times}px`; // CSS keeps the ratio, also in a narrow window
    },
    draw(pixels, offset = 0, channels = 3) {
      copyPixels(image.data, pixels, offset, channels);
      context.putImageData(image, 0, 0);
    },
  };
  result.setLabel(label);
  result.setZoom(zoom);
  return result;
}

/**
 * Write RGB or gray levels into RGBA, whose alpha stays as it is.
 * @param {Uint8ClampedArray} rgba
 * @param {ArrayLike<number>} pixels
 * @param {number} offset
 * @param {1 | 3} channels
 */
function copyPixels(rgba, pixels, offset, channels) {
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let to = 0, from = offset; to < rgba.length; to += 4, from += channels) {
    rgba[to] = pixels[from];
    rgba[to + 1] = pixels[from + green];
    rgba[to + 2] = pixels[from + blue];
  }
}

/**
 * @typedef {object} Figure
 * @property {HTMLElement} element
 * @property {HTMLElement} heading
 * @property {HTMLElement} caption  Empty at first.
 * @property {Picture} picture
 */

/**
 * A picture below a title and above a caption.
 * @param {string} title
 * @param {Picture} content
 * @returns {Figure}
 */
function figure(title, content) {
  const heading = html("div", { class: "g2c-title" }, title);
  const caption = html("figcaption");
  const element = html("figure", { class: "g2c-figure" }, heading, content.canvas, caption);
  return { element, heading, caption, picture: content };
}
