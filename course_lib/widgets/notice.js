/**
 * A message in place of a widget: the trait `error`, which every widget has.
 * @param {RenderProps<WidgetTraits>} props
 */
function render(props) {
  frame(props, "Notice");
}

export default { render };
