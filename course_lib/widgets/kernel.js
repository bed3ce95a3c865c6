// Shared by widgets whose choices the kernel answers; see `KernelWidget` in parts.py.

const BUSY = "The kernel is busy; your choice is shown when it is free.";

/**
 * The kernel's answer to a request: a result, or the reason why there is none.
 * @template {unknown[]} Request
 * @template {object} Result
 * @typedef {{ request: Request } & ((Result & { failure?: never }) | { failure: string })} Answer
 */

/**
 * Traits of a widget whose choices the kernel answers.
 * @template {unknown[]} Request
 * @template {object} Result
 * @typedef {object} KernelTraits
 * @property {Request} request  The latest choice.
 * @property {Answer<Request, Result>} answer  To the request that it repeats.
 */

/**
 * @template {unknown[]} Request
 * @template {object} Result
 * @typedef {object} KernelRequests
 * @property {HTMLElement} message  Why there is no result, or that the kernel is busy.
 * @property {() => (Result | null)} result  The result of the latest request, if it is there.
 * @property {() => void} refresh  Show the result again.
 * @property {(request: Request) => void} send
 */

/**
 * Send requests to the kernel and show its results. While the answer to the latest request is
 * missing or a failure, `target` keeps its content and is dimmed. The controls stay enabled.
 * @template {unknown[]} Request
 * @template {object} Result
 * @param {Model<KernelTraits<Request, Result>>} model
 * @param {HTMLElement} target  Where results are shown.
 * @param {(result: Result) => void} show  Called with the result of the latest request.
 * @returns {KernelRequests<Request, Result>}
 */
function kernelRequests(model, target, show) {
  const message = html("p", { class: "g2c-message", role: "alert", hidden: "" });
  const setMessage = (/** @type {string} */ text) => {
    message.hidden = !text;
    message.textContent = text;
  };
  const isAnswered = () =>
    JSON.stringify(model.get("answer").request) === JSON.stringify(model.get("request"));
  const result = () => {
    const answer = model.get("answer");
    return isAnswered() && answer.failure === undefined ? answer : null;
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const refresh = () => {
    clearTimeout(timer);
    if (isAnswered()) setMessage(model.get("answer").failure ?? "");
    else timer = setTimeout(setMessage, 1000, BUSY);
    const current = result();
    target.classList.toggle("g2c-stale", !current);
    target.setAttribute("aria-busy", String(!isAnswered()));
    if (current) show(current);
  };
  model.on("change:request", refresh);
  model.on("change:answer", refresh);
  return {
    message,
    result,
    refresh,
    send(request) {
      model.set("request", request);
      model.save_changes();
    },
  };
}
