export default {
  render({ model, el }) {
    const body = frame(model, el, "Feature maps");
    const [images, height, width] = model.get("size");
    const [channels, rows, columns] = model.get("latent");
    const gray = bytes(model.get("gray"));
    const names = model.get("names");
    const scales = ["each", "common"];
    const GAP = 2; // white pixels around each map of the sheet
    const across = Math.ceil(Math.sqrt(channels));
    const down = Math.ceil(channels / across);
    const sheetHeight = down * (rows + GAP) + GAP;
    const sheetWidth = across * (columns + GAP) + GAP;
    const enlarge = (side, pixels) => Math.max(1, Math.floor(pixels / side));
    const panel = (title, h, w, pixels) => {
      const zoom = enlarge(Math.max(h, w), pixels);
      return figure(title, picture({ height: h, width: w, zoom, label: title }));
    };
    const input = panel("gray input", height, width, 200);
    const map = panel("", rows, columns, 200);
    const sheet = panel("", sheetHeight, sheetWidth, 580);
    const pair = make("div", { class: "g2c-pictures" }, input.element, map.element);
    pair.style.flexDirection = "column";
    const pictures = make("div", { class: "g2c-pictures" }, pair, sheet.element);
    const sheetPixels = new Uint8Array(sheetHeight * sheetWidth);
    const byNumber = Array.from({ length: channels }, (_, number) => number);
    let byMean = byNumber;
    let channel = 0;

    /** The channels in the chosen order. */
    const order = () => (sorting.value ? byMean : byNumber);
    /** Row and column in the sheet of the first pixel of the map at a place. */
    const corner = (at) => [
      GAP + Math.floor(at / across) * (rows + GAP),
      GAP + (at % across) * (columns + GAP),
    ];

    const drawSheet = (levels, chosen) => {
      sheetPixels.fill(255);
      order().forEach((number, at) => {
        const [top, left] = corner(at);
        if (number === chosen)
          for (let y = top - GAP; y < top + rows + GAP; y += 1)
            sheetPixels.fill(0, y * sheetWidth + left - GAP, y * sheetWidth + left + columns + GAP);
        for (let y = 0; y < rows; y += 1) {
          const from = (number * rows + y) * columns;
          sheetPixels.set(levels.subarray(from, from + columns), (top + y) * sheetWidth + left);
        }
      });
      sheet.shown.draw(sheetPixels, 0, 1);
    };

    const draw = () => {
      if (!talk.current()) return;
      const answer = model.get("answer");
      byMean = answer.order;
      const [image, which] = answer.request;
      const whose = names.length > 1 ? `, ${names[which]}` : "";
      const levels = bytes(answer[scales[scale.value]]);
      const own = ["the smallest", "the largest value of each map"];
      const [black, white] = scale.value ? answer.range : own;
      place.set(order().indexOf(channel));
      input.shown.draw(gray, image * height * width, 1);
      input.shown.canvas.setAttribute("aria-label", `Gray input, image ${image}`);
      input.below.textContent = `image ${image}`;
      map.shown.draw(levels, channel * rows * columns, 1);
      map.heading.textContent = `map ${channel}${whose}`;
      map.below.textContent = answer.words[channel].replaceAll("; ", "\n");
      const described = `Map ${channel} of image ${image}${whose}: ${answer.words[channel]}`;
      map.shown.canvas.setAttribute("aria-label", described);
      drawSheet(levels, channel);
      const legend = `black is ${black}, white ${white}; the chosen map has a black frame`;
      const title = `all ${channels} maps of ${rows} x ${columns}${whose}`;
      sheet.heading.textContent = title;
      sheet.below.textContent = legend;
      sheet.shown.canvas.setAttribute("aria-label", `${title} of image ${image}; ${legend}`);
    };
    const talk = conversation(model, pictures, draw);

    const chosenImage = slider({
      label: "Image",
      min: 0,
      max: images - 1,
      value: 0,
      say: (image) => `image ${image}`,
      onchange: () => ask(),
    });
    const whichModel = choice({ label: "Model", options: names, onchange: () => ask() });
    whichModel.row.hidden = names.length < 2;
    const ask = () => talk.ask([chosenImage.value, whichModel.value]);
    const sorting = choice({
      label: "Order",
      options: ["by number", "by mean activation, highest first"],
      onchange: draw,
    });
    const scale = choice({
      label: "Gray levels",
      options: ["each map in its own scale", "one scale for all maps"],
      onchange: draw,
    });
    const place = slider({
      label: "Map",
      min: 0,
      max: channels - 1,
      value: 0,
      say: (at) => `map ${order()[at]}, place ${at + 1} of ${channels}`,
      onchange: (at) => {
        channel = order()[at];
        draw();
      },
    });
    sheet.shown.canvas.addEventListener("click", (event) => {
      const box = sheet.shown.canvas.getBoundingClientRect();
      const row = Math.floor(((event.clientY - box.top) / box.height) * down);
      const column = Math.floor(((event.clientX - box.left) / box.width) * across);
      channel = order()[row * across + column] ?? channel;
      draw();
    });

    const follow = () => {
      const [image, which] = model.get("request"); // another view may have asked
      chosenImage.set(image);
      whichModel.select.value = which;
    };
    model.on("change:request", follow);
    body.append(
      make("div", { class: "g2c-controls" },
        chosenImage.row, whichModel.row, sorting.row, scale.row, place.row),
      talk.message,
      pictures,
    );
    follow();
    talk.refresh();
  },
};
