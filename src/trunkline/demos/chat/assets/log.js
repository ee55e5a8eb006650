// The log of the room: messages and notes. Everything from outside becomes text, never markup.

const MOST_LINES = 500;
const GROUP_WITHIN_MS = 5 * 60_000;
const BOTTOM_SLACK_PX = 40;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Make an element with a class and a text. */
export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Make the round badge of a name: its first character on a colour of its own. */
export function makeBadge(name) {
  const badge = make("span", "badge", [...name][0].toUpperCase());
  badge.setAttribute("aria-hidden", "true");
  badge.style.setProperty("--hue", hueOf(name));
  return badge;
}

function hueOf(name) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) % 360_007;
  return hash % 360;
}

function makeTime(milliseconds) {
  const date = new Date(milliseconds);
  const time = make("time", "time", clock.format(date));
  time.dateTime = date.toISOString();
  time.title = calendar.format(date);
  return time;
}

export class Log {
  #element;
  #newer;
  #latest = null; // the message at the end of the log, if no note follows it

  constructor(element, newer) {
    this.#element = element;
    this.#newer = newer;
    newer.addEventListener("click", () => this.#scrollDown());
    let wasAtBottom = true;
    element.addEventListener("scroll", () => {
      wasAtBottom = this.#isAtBottom();
      if (wasAtBottom) newer.hidden = true;
    });
    // A smaller window, a keyboard that slides in: who was at the bottom stays there.
    new ResizeObserver(() => wasAtBottom && this.#scrollDown()).observe(element);
  }

  /** Add what somebody said; `isMine` when it was said here. */
  addMessage(message, isMine) {
    const line = make("div", isMine ? "message mine" : "message");
    const continues = this.#continues(message);
    if (continues) line.classList.add("continued");
    const head = make("p", continues ? "head spoken" : "head");
    const name = make("bdi", "name", message.name);
    head.append(name, makeTime(message.time));
    const text = make("p", "text", message.text);
    text.dir = "auto";
    line.append(makeBadge(message.name), head, text);
    this.#add(line, isMine);
    this.#latest = message;
  }

  /** Add a note of the page's own. */
  addNote(text) {
    this.#latest = null;
    this.#add(make("p", "note", text), false);
  }

  #continues(message) {
    const latest = this.#latest;
    return (
      latest !== null &&
      latest.sender === message.sender &&
      message.time - latest.time < GROUP_WITHIN_MS
    );
  }

  #add(line, isMine) {
    const follow = isMine || this.#isAtBottom();
    this.#element.querySelector(".empty")?.remove();
    this.#element.append(line);
    if (this.#element.childElementCount > MOST_LINES) this.#element.firstElementChild.remove();
    if (follow) this.#scrollDown();
    else this.#newer.hidden = false;
  }

  #isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#element;
    return scrollHeight - scrollTop - clientHeight < BOTTOM_SLACK_PX;
  }

  #scrollDown() {
    this.#element.scrollTop = this.#element.scrollHeight;
    this.#newer.hidden = true;
  }
}
