// The ws package on node: `node node_ws.js [--deflate] [--tls FILE]`.
"use strict";

const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const path = require("node:path");

const PACKAGES = path.join(__dirname, "../../tests/interop/node/package.json");
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
const BACKLOG = 1024;

const { WebSocketServer } = createRequire(PACKAGES)("ws");
const { version } = createRequire(PACKAGES)("ws/package.json");

const subscribers = new Set();

function makeServer(tlsFile) {
  if (tlsFile === undefined) return http.createServer();
  const pem = readFileSync(tlsFile);
  return https.createServer({ key: pem, cert: pem });
}

function onConnection(socket, request) {
  if (request.url === "/sub") {
    subscribers.add(socket);
    socket.on("close", () => subscribers.delete(socket));
  } else if (request.url === "/pub") {
    socket.on("message", (data, binary) => {
      for (const subscriber of subscribers) subscriber.send(data, { binary });
    });
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
}

const tlsAt = process.argv.indexOf("--tls");
const server = makeServer(tlsAt < 0 ? undefined : process.argv[tlsAt + 1]);
const isCompressed = process.argv.includes("--deflate");
new WebSocketServer({
  server,
  maxPayload: MAX_MESSAGE_BYTES,
  perMessageDeflate: isCompressed && { threshold: 0 },
}).on("connection", onConnection);
server.listen({ port: 0, host: "0.0.0.0", backlog: BACKLOG }, () => {
  console.log(server.address().port, "ws", version, "node", process.version);
});
