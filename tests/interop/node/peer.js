'use strict';

// A peer made of the ws package. It is told what to do by lines of JSON on stdin, and answers each
// with a line on stdout: {id, call, ...arguments} → {id, value} or {id, error}.
// It ends with its stdin.

const https = require('node:https');
const readline = require('node:readline');
const { WebSocket, WebSocketServer } = require('ws');

const HOST = '127.0.0.1';

// What arrives before it is asked for, and the other way round.
class Queue {
  items = [];
  takers = [];

  put(item) {
    const taker = this.takers.shift();
    if (taker) taker(item);
    else this.items.push(item);
  }

  take() {
    if (this.items.length) return this.items.shift();
    return new Promise((taker) => this.takers.push(taker));
  }
}

class Conversation {
  messages = new Queue();
  pongs = new Queue();

  constructor(socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('message', (data, isBinary) => this.messages.put(pack(data, isBinary)));
    socket.on('pong', (payload) => this.pongs.put(payload.toString('base64')));
    // 'close' follows and has the code.
    socket.on('error', () => {});
  }
}

const pack = (data, isBinary) =>
  isBinary ? { binary: data.toString('base64') } : { text: data.toString() };
const unpack = ({ text, binary }) => text ?? Buffer.from(binary, 'base64');

// Whatever a caller may refer to later: conversations and servers, by number.
const things = [];
const keep = (thing) => things.push(thing) - 1;

const introduce = (conversation) => ({
  handle: keep(conversation),
  subprotocol: conversation.socket.protocol,
  extensions: conversation.socket.extensions,
});

const written = (socket, data, options) =>
  new Promise((resolve, reject) => {
    socket.send(data, options, (error) => (error ? reject(error) : resolve()));
  });

const calls = {
  connect({ uri, subprotocols, options, ca }) {
    const socket = new WebSocket(uri, subprotocols, { ...options, ca });
    const conversation = new Conversation(socket);
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(introduce(conversation)));
      socket.on('error', reject);
    });
  },

  async serve({ subprotocols, options, certificate }) {
    const listener = certificate ? https.createServer(certificate) : null;
    const place = listener ? { server: listener } : { host: HOST, port: 0 };
    const handleProtocols = (offered) => subprotocols.find((name) => offered.has(name)) ?? false;
    const server = new WebSocketServer({ ...options, ...place, handleProtocols });
    const arrivals = new Queue();
    server.on('connection', (socket) => arrivals.put(new Conversation(socket)));
    const listening = new Promise((resolve) => server.on('listening', resolve));
    if (listener) listener.listen(0, HOST);
    await listening;
    return { handle: keep({ server, listener, arrivals }), port: server.address().port };
  },

  async accept({ handle }) {
    return introduce(await things[handle].arrivals.take());
  },

  stop({ handle }) {
    const { server, listener } = things[handle];
    for (const socket of server.clients) socket.terminate();
    server.close();
    if (listener) listener.close();
  },

  send({ handle, message }) {
    return written(things[handle].socket, unpack(message), {});
  },

  async sendFragments({ handle, parts }) {
    const { socket } = things[handle];
    for (const [index, part] of parts.entries()) {
      await written(socket, unpack(part), { fin: index === parts.length - 1 });
    }
  },

  receive({ handle }) {
    return things[handle].messages.take();
  },

  ping({ handle, payload }) {
    const { socket, pongs } = things[handle];
    socket.ping(Buffer.from(payload, 'base64'));
    return pongs.take();
  },

  close({ handle, code, reason }) {
    const { socket, closed } = things[handle];
    if (code === null) socket.close();
    else socket.close(code, reason);
    return closed;
  },

  closed({ handle }) {
    return things[handle].closed;
  },

  terminate({ handle }) {
    things[handle].socket.terminate();
  },
};

const answer = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, call, ...rest } = JSON.parse(line);
  try {
    answer({ id, value: (await calls[call](rest)) ?? null });
  } catch (error) {
    answer({ id, error: String(error) });
  }
}).on('close', () => process.exit());
