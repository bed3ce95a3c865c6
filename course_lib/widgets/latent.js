export default {
  render({ model, el }) {
    const body = frame(model, el, "Walks in the latent");
    const [images, height, width] = model.get("size");
    const gray = bytes(model.get("gray"));
    const places = model.get("places");
    const kinds = ["pair", "direction"];
    const middle = (places.pair.length - 1) / 2;
    const chosen = { kind: "pair", start: 0, pair: 1, direction: 0 };

    const zoom = Math.max(1, Math.floor(160 / Math.max(height, width)));
    const panel = (title, times) =>
      figure(title, picture({ height, width, zoom: times, label: title }));
    const inputs = ["from", "to"].map((title) => panel(title, Math.ceil(zoom / 2)));
    const walk = panel("", zoom);
    const beside = panel("", zoom);
    const pictures = make("div", { class: "g2c-pictures" }, walk.element, beside.element);
    const words = make("p", { class: "g2c-words" });
    const shown = make("div", {}, pictures, words);
    const label = (panel, text) => panel.shown.canvas.setAttribute("aria-label", text);

    /** Draw the frame that the slider points at; only ever frames of the latest request. */
    const draw = () => {
      if (!talk.current()) return;
      const answer = model.get("answer");
      const offset = place.value * height * width * 3;
      walk.shown.draw(bytes(answer.frames), offset);
      beside.shown.draw(bytes(answer.beside), offset);
      walk.heading.textContent = answer.title;
      beside.heading.textContent = answer.title_beside;
      words.textContent = answer.words[place.value];
      const where = places[answer.request[0]][place.value];
      label(walk, `${answer.title}, ${where}. ${answer.words[place.value]}`);
      label(beside, `${answer.title_beside}, beside ${answer.title}, ${where}`);
    };
    const talk = conversation(model, shown, draw);

    const ask = (choice) => {
      Object.assign(chosen, choice);
      talk.ask([chosen.kind, chosen.start, chosen[chosen.kind]]);
    };
    const say = (image) => `image ${image}`;
    const kind = choice({
      label: "Walk",
      options: ["between two images", "along a principal direction"],
      onchange: (position) => {
        place.set(middle); // half of the way, or at the image itself
        ask({ kind: kinds[position] });
      },
    });
    const range = { min: 0, max: images - 1, value: 0, say };
    const start = slider({ ...range, label: "From", onchange: (image) => ask({ start: image }) });
    const end = slider({ ...range, label: "To", onchange: (image) => ask({ pair: image }) });
    const direction = choice({
      label: "Direction",
      options: model.get("directions"),
      onchange: (position) => ask({ direction: position }),
    });
    const place = slider({
      label: "Position",
      min: 0,
      max: places.pair.length - 1,
      value: middle,
      say: (frame) => places[chosen.kind][frame],
      onchange: draw,
    });

    /** Set all controls to the latest request, which another view may have made. */
    const follow = () => {
      const [name, first, second] = model.get("request");
      Object.assign(chosen, { kind: name, start: first, [name]: second });
      kind.select.value = kinds.indexOf(name);
      direction.select.value = chosen.direction;
      start.set(first);
      end.set(chosen.pair);
      place.tell();
      end.row.hidden = inputs[1].element.hidden = name !== "pair";
      direction.row.hidden = name === "pair";
      [chosen.start, chosen.pair].forEach((image, i) => {
        inputs[i].shown.draw(gray, image * height * width, 1);
        inputs[i].heading.textContent = `${i ? "to" : "from"} image ${image}`;
        label(inputs[i], `Gray input, image ${image}`);
      });
    };
    model.on("change:request", follow);
    const choices = [kind, start, end, direction, place].map((control) => control.row);
    body.append(
      make("div", { class: "g2c-controls" }, ...choices),
      talk.message,
      make("div", { class: "g2c-pictures" }, ...inputs.map((input) => input.element), shown),
    );
    follow();
    talk.refresh();
  },
};
