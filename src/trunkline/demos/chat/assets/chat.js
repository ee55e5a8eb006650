// The chat: joins the line to the server, the log, the people and the form.

import { Line } from "/line.js";
import { Log, make, makeBadge } from "/log.js";

const NORMAL_CLOSURE = 1000;
const TITLE = document.title;

const at = (id) => document.getElementById(id);
const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`;
const log = new Log(at("log"), at("newer"));

let name = sessionStorage.getItem("name") ?? "";
let isJoined = false;
let you = 0; // the number of this connection
let room = ""; // the run of the room that the last welcome was for
let lastNumber = 0; // of the messages seen of that room
let people = new Map(); // connections by name
const inFlight = []; // what was sent and has not been answered; answers come in this order
let unread = 0;

// What was said here stays mine when the page is reloaded.
const mine = new Set(JSON.parse(sessionStorage.getItem("mine") ?? "[]"));
const isMine = (message) => mine.has(`${room}/${message.sender}`);

// The line

const ACTIONS = { open: "Leave", waiting: "Try now", closed: "Connect" };
const STATES = {
  connecting: () => "Connecting…",
  open: () => "Connected",
  waiting: (seconds) => `${navigator.onLine ? "Reconnecting" : "Offline, trying again"} in ${seconds} s`,
  closed: () => "Disconnected",
};
const SPOKEN = { connecting: "", open: "Connected", waiting: "Connection lost", closed: "Disconnected" };

const line = new Line(url, {
  onstate(state, seconds) {
    at("state").dataset.state = state;
    at("people").parentElement.dataset.state = state;
    at("state-text").textContent = STATES[state](seconds);
    // Aloud, the state is told once, and not every second.
    if (SPOKEN[state] && at("state-spoken").textContent !== SPOKEN[state]) {
      at("state-spoken").textContent = SPOKEN[state];
    }
    at("action").textContent = ACTIONS[state] ?? "";
    at("action").hidden = !(state in ACTIONS);
    showWhetherSendable();
  },
  onopen(socket) {
    showOnWire("open", ["url", socket.url], ["extensions", socket.extensions || "none"]);
    if (name) ask({ type: "join", name });
    else showDoor();
  },
  onmessage(message) {
    RECEIVERS[message.type]?.(message);
  },
  onerror() {
    showOnWire("error");
  },
  onclose({ code, reason, wasClean }) {
    isJoined = false;
    showOnWire("close", ["code", code], ["reason", reason || "none"], ["wasClean", wasClean]);
    takeBack(inFlight.splice(0));
  },
});

function ask(message) {
  line.send(message);
  inFlight.push(message);
}

at("action").addEventListener("click", () => {
  if (line.state === "open") line.close(NORMAL_CLOSURE, "left the room");
  else if (line.state === "waiting") line.hurry();
  else line.open();
});

function showOnWire(event, ...facts) {
  const shown = facts.map(([key, value]) => {
    const fact = make("span", "fact", `${value}`);
    fact.prepend(make("span", "key", key));
    return fact;
  });
  at("wire").replaceChildren(make("span", "event", event), ...shown);
  at("wire").title = at("wire").textContent;
}

// What the server says

const RECEIVERS = {
  welcome(message) {
    inFlight.shift();
    const isSameRoom = message.room === room;
    if (room && !isSameRoom) log.addNote("The server has restarted");
    if (!isSameRoom) lastNumber = 0;
    ({ you, room, name } = message);
    remember();
    isJoined = true;
    people = new Map(Object.entries(message.people));
    showPeople();
    showHistory(message.messages, isSameRoom);
    log.addNote(`You are here as ${name}`);
    at("door").close();
    tell("");
    showWhetherSendable();
    draft.focus();
  },
  presence({ name, connections }) {
    const before = people.get(name) ?? 0;
    if (connections) people.set(name, connections);
    else people.delete(name);
    showPeople();
    if (!before) log.addNote(`${name} joined`);
    if (!connections) log.addNote(`${name} left`);
  },
  message(message) {
    lastNumber = message.number;
    if (message.sender === you) inFlight.shift();
    log.addMessage(message, isMine(message));
    if (document.hidden) showUnread(unread + 1);
  },
  trouble({ reason }) {
    const refused = inFlight.splice(0, 1);
    if (refused[0]?.type === "join") {
      showDoor(reason);
    } else {
      takeBack(refused);
      tell(reason);
    }
  },
};

function remember() {
  mine.add(`${room}/${you}`);
  sessionStorage.setItem("name", name);
  sessionStorage.setItem("mine", JSON.stringify([...mine].slice(-100)));
}

function showHistory(messages, isSameRoom) {
  const fresh = messages.filter((message) => message.number > lastNumber);
  const missed = fresh.length ? fresh[0].number - lastNumber - 1 : 0;
  if (isSameRoom && missed) log.addNote(`Messages missed: ${missed}`);
  for (const message of fresh) {
    lastNumber = message.number;
    log.addMessage(message, isMine(message));
  }
}

// The people

function showPeople() {
  const names = [...people.keys()].sort((a, b) => a.localeCompare(b));
  at("people").replaceChildren(...names.map(makePerson));
  at("people-count").textContent = names.length;
  at("rename").textContent = "Change name";
}

function makePerson(person) {
  const connections = people.get(person);
  const item = make("li", person === name ? "person self" : "person");
  item.append(makeBadge(person), make("bdi", "name", person));
  if (person === name) item.append(make("span", "tag", "you"));
  if (connections > 1) item.append(make("span", "tag", `×${connections}`));
  return item;
}

// The door

function showDoor(trouble = "") {
  at("join-trouble").textContent = trouble;
  at("join-trouble").hidden = !trouble;
  at("name").value = name;
  if (!at("door").open) at("door").showModal();
  at("name").select();
}

at("rename").addEventListener("click", () => showDoor());

at("join").addEventListener("submit", (event) => {
  event.preventDefault(); // the answer of the server closes the door
  const wanted = at("name").value;
  if (line.state === "open") {
    ask({ type: "join", name: wanted });
  } else {
    name = wanted;
    at("door").close();
  }
});

// The form

const draft = at("draft");

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = draft.value.trim();
  // What cannot be sent now stays where it is.
  if (!text || !isJoined) return;
  ask({ type: "say", text });
  draft.value = "";
  tell("");
  draftChanged();
});

draft.addEventListener("keydown", (event) => {
  // While an input method composes, Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("composer").requestSubmit();
});

draft.addEventListener("input", draftChanged);

function draftChanged() {
  draft.style.height = "auto";
  draft.style.height = `${draft.scrollHeight}px`;
  showWhetherSendable();
}

function showWhetherSendable() {
  at("send").disabled = !isJoined || !draft.value.trim();
}

/** Put what may not have arrived back where it was written. */
function takeBack(messages) {
  const texts = messages.filter(({ type }) => type === "say").map(({ text }) => text);
  draft.value = [...texts, draft.value].filter(Boolean).join("\n");
  draftChanged();
}

function tell(trouble) {
  at("trouble").textContent = trouble;
  at("trouble").hidden = !trouble;
}

// The tab

function showUnread(count) {
  unread = count;
  document.title = count ? `(${count}) ${TITLE}` : TITLE;
}

document.addEventListener("visibilitychange", () => document.hidden || showUnread(0));

line.open();
