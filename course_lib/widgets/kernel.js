// Shared by widgets whose choices the kernel answers; see `KernelWidget` in parts.py.

const BUSY = "The kernel is busy; your choice is shown when it is free.";
const NO_ANSWER = "No answer. Run the cell again.";
const SECONDS_UNTIL_ASKED = 1; // and again, until there is an answer

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
 * @template {object} Result
 * @typedef {object} KernelRequests
 * @property {HTMLElement} message  Why there is no result, or that the kernel is busy.
 * @property {() => (Result | null)} result  The result of the latest request, if it is there.
 * @property {() => void} refresh  Show the result again.
 */

/**
 * Ask the kernel whether it still holds the widget. One that has been restarted does not: it works
 * off the question and becomes idle, but says nothing. A busy one does neither.
 * @template {object} Traits
 * @param {Model<Traits>} model
 * @param {() => void} onLost  Called if it does not.
 */
function askForWidget(model, onLost) {
  let isThere = false;
  const hear = () => {
    isThere = true;
  };
  const status = (/** @type {{ content: { execution_state?: string } }} */ { content }) => {
    if (content.execution_state !== "idle") return;
    setTimeout(() => {
      model.off("msg:custom", hear);
      if (!isThere) onLost();
    }, 500);
  };
  model.on("msg:custom", hear);
  try {
    model.send("are you there?", { iopub: { status } });
  } catch {
    onLost(); // it has been shut down
  }
}

/**
 * Send requests to the kernel and show its results. While the answer to the latest request is
 * missing or a failure, `target` keeps its content and is dimmed. The controls stay enabled.
 * @template {unknown[]} Request
 * @template {object} Result
 * @param {{ model: Model<KernelTraits<Request, Result>>, signal: AbortSignal }} props
 * @param {HTMLElement} target  Where results are shown.
 * @param {(result: Result) => void} show  Called with the result of the latest request.
 * @returns {KernelRequests<Result>}
 */
function kernelRequests({ model, signal }, target, show) {
  const message = html("p", { class: "g2c-message", role: "alert", hidden: "" });
  const setMessage = (/** @type {string} */ text) => {
    message.hidden = !text;
    if (message.textContent !== text) message.textContent = text; // else it would be read again
  };
  const isAnswered = () =>
    JSON.stringify(model.get("answer").request) === JSON.stringify(model.get("request"));
  const result = () => {
    const answer = model.get("answer");
    return isAnswered() && answer.failure === undefined ? answer : null;
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const ask = () => {
    if (message.textContent !== NO_ANSWER) setMessage(BUSY);
    wait(3 * SECONDS_UNTIL_ASKED);
    askForWidget(model, () => {
      if (isAnswered()) return;
      setMessage(NO_ANSWER);
      clearTimeout(timer);
    });
  };
  const wait = (/** @type {number} */ seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, 1000 * seconds);
  };
  const refresh = () => {
    clearTimeout(timer);
    if (isAnswered()) setMessage(model.get("answer").failure ?? "");
    else wait(SECONDS_UNTIL_ASKED);
    const current = result();
    target.classList.toggle("g2c-stale", !current);
    target.setAttribute("aria-busy", String(!isAnswered()));
    if (current) show(current);
  };
  model.on("change:request", refresh);
  model.on("change:answer", refresh);
  signal.addEventListener("abort", () => clearTimeout(timer));
  return { message, result, refresh };
}
