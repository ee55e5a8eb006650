// The status page: snapshots of every process arrive each second, and are shown.

import { Chart, SCALES } from "./charts.js";
import { byteRate, bytes, count, duration, joined, milliseconds, rate } from "./words.js";

const WINDOW_SECONDS = 300;
const GAP_SECONDS = 5; // nobody looked for so long: there is no line between
const LAG_ALARM_SECONDS = 0.25;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 15_000;

const at = (id) => document.getElementById(id);
const sum = (values) => values.reduce((total, value) => total + value, 0);

// A point is what the server keeps of a second; the names are those of `feed.py`.
const TIME = 0;
const CONNECTIONS = 1;
const MESSAGES_IN = 2;
const MESSAGES_OUT = 3;
const BYTES_IN = 4;
const BYTES_OUT = 5;
const LAG = 6;
const COUNTED = [MESSAGES_IN, MESSAGES_OUT, BYTES_IN, BYTES_OUT];

let points = [];
let before = null; // the snapshots of a moment ago, for rates
let beforeTime = 0;

// Charts

const both = [
  { label: "in", colour: "--accent" },
  { label: "out", colour: "--second" },
];
const single = (label) => [{ label, colour: "--accent" }];

const charts = [
  [chart("messages-chart", both, count, SCALES.whole), [MESSAGES_IN, MESSAGES_OUT]],
  [chart("connections-chart", single("open"), count, SCALES.whole), [CONNECTIONS]],
  [chart("bytes-chart", both, bytes, SCALES.bytes), [BYTES_IN, BYTES_OUT]],
  [chart("lag-chart", single("worst"), milliseconds, SCALES.seconds), [LAG]],
];

function chart(id, lines, words, scale) {
  return new Chart(at(id), lines, (value) => joined(words(value)), scale);
}

/** Make of totals what they grow by in a second; a gap, or a process that has ended, is no rate. */
function perSecond(point, previous) {
  const seconds = previous ? point[TIME] - previous[TIME] : 0;
  return point.map((value, index) => {
    if (!COUNTED.includes(index)) return value;
    const grown = previous ? value - previous[index] : -1;
    return seconds > 0 && seconds < GAP_SECONDS && grown >= 0 ? grown / seconds : null;
  });
}

function showCharts() {
  const rows = points.map((point, index) => perSecond(point, points[index - 1]));
  const times = rows.map((row) => row[TIME]);
  for (const [chart, columns] of charts) {
    chart.show([times, ...columns.map((column) => rows.map((row) => row[column]))]);
  }
  return rows.at(-1);
}

function keep(more) {
  points = [...points, ...more];
  const oldest = points.at(-1)?.[TIME] - WINDOW_SECONDS;
  points = points.filter((point) => point[TIME] >= oldest);
}

// Tiles

function showTile(id, [number, unit], isAlarming = false) {
  const small = document.createElement("span");
  small.className = "unit";
  small.textContent = unit;
  at(id).replaceChildren(number, small);
  at(id).classList.toggle("alarming", isAlarming);
}

function showTiles(row, processes) {
  const routes = processes.flatMap((each) => Object.values(each.routes));
  showTile("connections", count(row[CONNECTIONS]));
  showTile("messages-in", rate(row[MESSAGES_IN] ?? 0));
  showTile("messages-out", rate(row[MESSAGES_OUT] ?? 0));
  showTile("bytes-in", byteRate(row[BYTES_IN] ?? 0));
  showTile("bytes-out", byteRate(row[BYTES_OUT] ?? 0));
  showTile("unsent", bytes(sum(routes.map((route) => route.unsent))));
  showTile("lag", milliseconds(row[LAG]), row[LAG] >= LAG_ALARM_SECONDS);
  const memory = processes.map((each) => each.memory);
  showTile("memory", memory.includes(null) ? ["–", ""] : bytes(sum(memory)));
}

// Tables

function makeRow(tag, cells) {
  const row = document.createElement("tr");
  for (const cell of cells) {
    const element = document.createElement(tag);
    element.textContent = cell;
    row.append(element);
  }
  return row;
}

function showTable(id, titles, rows) {
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  head.append(makeRow("th", titles));
  body.append(...rows.map((row) => makeRow("td", row)));
  if (!rows.length) {
    const nothing = makeRow("td", ["Nothing yet"]);
    nothing.className = "nothing";
    nothing.firstChild.colSpan = titles.length;
    body.append(nothing);
  }
  at(id).replaceChildren(head, body);
}

/** Add up, over all processes, objects of numbers by their names. */
function merge(objects) {
  const merged = new Map();
  for (const [name, numbers] of objects.flatMap(Object.entries)) {
    const known = merged.get(name) ?? {};
    for (const [key, value] of Object.entries(numbers)) known[key] = (known[key] ?? 0) + value;
    merged.set(name, known);
  }
  return merged;
}

function worstTrip(processes, name) {
  const trips = processes.map((each) => each.routes[name]?.round_trips["1.0"]);
  const known = trips.filter((trip) => trip != null);
  return known.length ? joined(milliseconds(Math.max(...known))) : "–";
}

function showRoutes(processes, seconds) {
  const routes = merge(processes.map((each) => each.routes));
  const old = merge((before ?? []).map((each) => each.routes));
  const rows = [...routes].map(([name, now]) => {
    const grown = (key) => {
      const change = now[key] - (old.get(name)?.[key] ?? now[key]);
      return change > 0 && seconds > 0 ? change / seconds : 0;
    };
    return [
      name,
      joined(count(now.connections)),
      joined(rate(grown("messages_received"))),
      joined(rate(grown("messages_sent"))),
      joined(byteRate(grown("bytes_received"))),
      joined(byteRate(grown("bytes_sent"))),
      joined(bytes(now.unsent)),
      joined(count(now.slow)),
      joined(count(now.dropped + now.discarded)),
      worstTrip(processes, name),
    ];
  });
  const titles = ["Route", "Open", "In", "Out", "Bytes in", "Bytes out", "Waiting", "Slow", "Dropped", "Worst ping"];
  showTable("routes", titles, rows);
}

function total(pairs) {
  const totals = new Map();
  for (const [name, number] of pairs) totals.set(name, (totals.get(name) ?? 0) + number);
  return [...totals].sort(([, one], [, other]) => other - one).map(([name, number]) => [name, joined(count(number))]);
}

function showTopics(processes) {
  const found = processes.flatMap((each) => Object.entries(each.topics));
  at("topics-card").hidden = !found.length;
  const flat = found.map(([name, { subscribers, delivered, drops }]) => ({
    [name]: { subscribers, delivered, dropped: sum(Object.values(drops)) },
  }));
  const rows = [...merge(flat)].map(([name, topic]) => [name, ...Object.values(topic).map((each) => joined(count(each)))]);
  showTable("topics", ["Topic", "Subscribers", "Delivered", "Dropped"], rows);
}

function showTables(processes, seconds) {
  showRoutes(processes, seconds);
  const handshakes = processes.flatMap((each) => each.handshakes);
  showTable("requests", ["Outcome", "Count"], total(handshakes.map(([outcome, reason, number]) => [`${outcome} ${reason}`.trim(), number])));
  showTable("ends", ["Close code", "Count"], total(processes.flatMap((each) => Object.entries(each.closes))));
  showTopics(processes);
  const rows = processes.map((each) => [
    `${each.worker} (pid ${each.pid})`,
    joined(count(each.connections)),
    joined(milliseconds(each.lag)),
    each.memory === null ? "–" : joined(bytes(each.memory)),
    duration(each.uptime),
  ]);
  showTable("processes", ["Process", "Open", "Lag", "Memory", "Up for"], rows);
}

// The WebSocket

const url = new URL("live", import.meta.url);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
url.search = location.search; // a token that the page was opened with
let delay = FIRST_DELAY_MS;

function enter(state, text) {
  at("state").dataset.state = at("main").dataset.state = state;
  at("state-text").textContent = text;
}

function receive(message) {
  if (message.points) {
    points = [];
    before = null;
    keep(message.points);
    return;
  }
  const { point, processes } = message;
  keep([point]);
  showTiles(showCharts(), processes);
  showTables(processes, point[TIME] - beforeTime);
  [before, beforeTime] = [processes, point[TIME]];
  const [first] = processes;
  at("about").textContent = `${first.version} · ${first.engine} engine · up for ${duration(Math.max(...processes.map((each) => each.uptime)))}`;
  const isReady = processes.every((each) => each.is_ready);
  enter("open", isReady ? "Live" : "Draining");
}

function connect() {
  const socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    delay = FIRST_DELAY_MS;
  });
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    enter("waiting", "No connection, trying again");
    setTimeout(connect, delay * (0.5 + Math.random() / 2));
    delay = Math.min(LONGEST_DELAY_MS, delay * 2);
  });
}

connect();
