// A WebSocket that comes back by itself, with exponential backoff and full jitter.

const FIRST_CEILING_MS = 500; // the first delay is drawn between 0 and this
const HIGHEST_CEILING_MS = 15_000;
const STABLE_AFTER_MS = 5_000; // a connection that lived this long makes the backoff begin again
const OPEN_WITHIN_MS = 10_000;
const TICK_MS = 1_000;

// After these codes the same attempt would end the same way (RFC 6455 §7.4.1).
const FINAL_CODES = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

/**
 * Handlers, all optional:
 * - `onstate(state, seconds)`: "connecting", "open", "waiting" (with the seconds left) or "closed";
 * - `onopen(socket)`, `onerror()`, `onclose(event)`: the socket's own events;
 * - `onmessage(message)`: the parsed JSON of a text message.
 */
export class Line {
  #url;
  #handlers;
  #socket = null;
  #timer = null;
  #failures = 0;
  #isWanted = false;
  state = "closed";

  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  open() {
    this.#isWanted = true;
    this.#connect();
  }

  /** Stop waiting, and try now. */
  hurry() {
    if (this.state === "waiting") this.#connect();
  }

  close(code, reason) {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close(code, reason);
    if (this.state === "waiting") this.#enter("closed");
  }

  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #enter(state, seconds = 0) {
    this.state = state;
    this.#handlers.onstate?.(state, seconds);
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#enter("connecting");
    const socket = new WebSocket(this.#url);
    let openedAt = Infinity;
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.close(), OPEN_WITHIN_MS);

    socket.addEventListener("open", () => {
      clearTimeout(this.#timer);
      openedAt = performance.now();
      this.#enter("open");
      this.#handlers.onopen?.(socket);
    });
    socket.addEventListener("message", (event) => {
      this.#handlers.onmessage?.(JSON.parse(event.data));
    });
    socket.addEventListener("error", () => this.#handlers.onerror?.());
    socket.addEventListener("close", (event) => {
      clearTimeout(this.#timer);
      this.#socket = null;
      if (performance.now() - openedAt > STABLE_AFTER_MS) this.#failures = 0;
      this.#handlers.onclose?.(event);
      if (this.#isWanted && !FINAL_CODES.has(event.code)) this.#comeBack();
      else this.#enter("closed");
    });
  }

  #comeBack() {
    const ceiling = Math.min(HIGHEST_CEILING_MS, FIRST_CEILING_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#wait(performance.now() + Math.random() * ceiling);
  }

  #wait(until) {
    const left = until - performance.now();
    if (left <= 0) {
      this.#connect();
      return;
    }
    this.#enter("waiting", Math.ceil(left / TICK_MS));
    // The rest first, then whole ticks: the number changes when the second does.
    this.#timer = setTimeout(() => this.#wait(until), left % TICK_MS || TICK_MS);
  }
}
