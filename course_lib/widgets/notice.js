export default {
  render({ model, el }) {
    frame(model, el, "Notice");
  },
};
