/** The line to the server: session, socket, reconnecting, and messages that must not get lost. */
import { stored, store } from "./dom.js";
import { io } from "./socket.io.esm.min.js";

const KEY = "xiaoer.session";
// How long the server may take to say that it has a message, in milliseconds.
const ACK_MS = 10_000;
// How often an unanswered message is sent on one connection before the shopper is told.
const ATTEMPTS = 3;
// A token that ends sooner is renewed when the page opens, in seconds.
const RENEW_S = 7 * 86_400;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function remembered() {
  try {
    return JSON.parse(stored(KEY));
  } catch {
    return null;
  }
}

export class Connection {
  /**
   * @param {string} base path of the channel, "/webhooks/webchat/"
   * @param {() => string} lang
   * @param on `status(state)`: connecting, online, offline, reconnecting, busy, refused;
   *     `ready(data)`, `entry(entry)`, `typing(on)`, `identity(name)`, `cleared()`,
   *     `taken(message, ack)`, `slow(message)`, `failed(message, code)`, `error(code)`,
   *     and `lastSeq()`, which the page answers
   */
  constructor(base, lang, on) {
    this.base = base;
    this.lang = lang;
    this.on = on;
    this.outbox = [];
    this.isReady = false;
    this.session = null;
    this.ready = new Promise((resolve) => (this.#becameReady = resolve));
  }

  #becameReady;
  #refused = 0;
  #hungUp = 0;
  #hungUpAt = 0;
  #pumping = false;
  #renewing = null;

  async start() {
    this.on.status("connecting");
    this.session = remembered();
    const left = (this.session?.expires ?? 0) - Date.now() / 1000;
    if (left < RENEW_S && !(await this.renew())) return;
    this.#open();
  }

  /** A fresh token; waits as long as the server cannot be reached. False: not allowed here. */
  async renew() {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** Ask something that has an answer: {ok: true, …} or {ok: false, error}. Never throws. */
  async ask(event, data) {
    if (!this.socket?.connected) return { ok: false, error: "offline" };
    try {
      return (await this.socket.timeout(ACK_MS).emitWithAck(event, data)) || { ok: false };
    } catch {
      return { ok: false, error: "offline" };
    }
  }

  /** Send a message of the shopper's; it stays in line until the server has it. */
  send(message) {
    this.outbox.push(message);
    this.#pump();
  }

  /** Call with the session's token, for photos and the demo's customers. */
  fetch(path, options = {}) {
    const headers = { Authorization: `Bearer ${this.session?.token}`, ...options.headers };
    return fetch(this.base + path, { ...options, headers });
  }

  async #renew() {
    for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
      try {
        const response = await this.fetchSession();
        if (response.ok) {
          this.#take(await response.json());
          return true;
        }
        if (response.status === 401 && this.session) {
          this.session = null;
          continue;
        }
        if (response.status === 403) {
          this.on.status("refused");
          return false;
        }
        if (response.status === 429) {
          this.on.status("busy");
          wait = Math.max(wait, 1000 * (Number(response.headers.get("Retry-After")) || 5));
        }
      } catch {
        this.on.status(navigator.onLine ? "reconnecting" : "offline");
      }
      const back = new Promise((go) => addEventListener("online", go, { once: true }));
      await Promise.race([pause(wait), back]);
    }
  }

  fetchSession() {
    const headers = { "Content-Type": "application/json" };
    if (this.session) headers.Authorization = `Bearer ${this.session.token}`;
    return fetch(`${this.base}session`, {
      method: "POST",
      headers,
      body: JSON.stringify({ lang: this.lang() }),
    });
  }

  /** Go on with this session; another one than before starts on an empty page. */
  #take(session) {
    const other = this.session && this.session.session_id !== session.session_id;
    this.session = session;
    store(KEY, JSON.stringify(session));
    if (other) {
      this.outbox.length = 0;
      this.on.cleared();
    }
  }

  #notReady() {
    if (!this.isReady) return;
    this.isReady = false;
    this.ready = new Promise((resolve) => (this.#becameReady = resolve));
  }

  #open() {
    const socket = (this.socket = io({
      path: `${this.base}socket.io`,
      autoConnect: false,
      // A proxy that blocks websockets still lets polling through.
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 400,
      reconnectionDelayMax: 5000,
      timeout: 10_000,
      auth: (give) =>
        give({ token: this.session.token, last_seq: this.on.lastSeq(), lang: this.lang() }),
    }));
    socket.on("ready", (data) => {
      // What the server already has needs no second sending.
      const taken = new Set(data.entries.map((entry) => entry.id));
      this.on.ready(data);
      this.outbox = this.outbox.filter((message) => !taken.has(message.id));
      for (const message of this.outbox) message.attempts = 0;
      this.isReady = true;
      this.#refused = 0;
      this.#becameReady();
      this.on.status("online");
      this.#pump();
    });
    socket.on("bot_uttered", (entry) => this.on.entry(entry));
    socket.on("user_uttered", (entry) => this.on.entry(entry));
    socket.on("typing", ({ on }) => this.on.typing(on));
    socket.on("identity", ({ name }) => this.on.identity(name));
    socket.on("session", (session) => {
      this.#notReady();
      this.#take(session);
      socket.disconnect().connect();
    });
    socket.on("error", ({ error }) => (error === "token" ? this.#reenter() : this.on.error(error)));
    socket.on("disconnect", (reason) => {
      this.#notReady();
      if (reason === "io client disconnect") return;
      this.on.status(navigator.onLine ? "reconnecting" : "offline");
      // The server hung up: the client does not come back by itself.
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), this.#patience());
    });
    socket.on("connect_error", (error) => {
      this.on.status(navigator.onLine ? "reconnecting" : "offline");
      // A firewall may swallow websockets without a word: begin with polling, which goes over to
      // a websocket by itself where there is a way.
      this.#refused += 1;
      if (this.#refused >= 2) socket.io.opts.transports = ["polling", "websocket"];
      if (error.message === "token") this.#reenter();
      else if (!socket.active) setTimeout(() => socket.connect(), 3000);
    });
    // A socket may look alive long after its network went: do not wait for the next ping.
    addEventListener("offline", () => {
      this.on.status("offline");
      socket.io.engine?.close();
    });
    addEventListener("online", () => {
      this.on.status(socket.connected && this.isReady ? "online" : "reconnecting");
      if (!socket.connected && !socket.active) socket.connect();
    });
    socket.connect();
  }

  /** How long to stay away, so that too many tabs of one session do not push each other out. */
  #patience() {
    if (document.hidden) return 30_000;
    this.#hungUp = Date.now() - this.#hungUpAt < 60_000 ? this.#hungUp + 1 : 0;
    this.#hungUpAt = Date.now();
    return Math.min(1000 * 2 ** this.#hungUp, 30_000);
  }

  async #reenter() {
    this.socket.disconnect();
    if (await this.renew()) this.socket.connect();
  }

  /** Send what waits, one after the other so that it stays in order. */
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.isReady && this.outbox.length) {
      const message = this.outbox[0];
      const ack = await this.#deliver(message);
      // Start over and the like empty the line while we wait.
      if (this.outbox[0] !== message) continue;
      if (ack.ok) {
        this.outbox.shift();
        this.on.taken(message, ack);
      } else if (ack.error === "too_fast" || ack.error === "too_many") {
        this.on.slow(message);
        await pause(1000 * (ack.retry_after || 1));
      } else if (ack.error === "token") {
        await this.#reenter();
      } else if (ack.error === "offline") {
        message.attempts = (message.attempts || 0) + 1;
        if (this.isReady && message.attempts >= ATTEMPTS) this.#fail(message, ack.error);
        else await pause(300);
      } else {
        this.#fail(message, ack.error);
      }
    }
    this.#pumping = false;
  }

  #fail(message, code) {
    this.outbox.shift();
    this.on.failed(message, code);
  }

  async #deliver(message) {
    const { attempts, file, preview, ...wire } = message;
    if (file && !message.photo) {
      const uploaded = await this.#upload(file);
      if (!uploaded.ok) return uploaded;
      wire.photo = message.photo = uploaded.photo;
    }
    return this.ask("user_uttered", wire);
  }

  async #upload(file) {
    try {
      const response = await this.fetch("photo", {
        method: "POST",
        headers: { "Content-Type": file.type },
        body: file,
      });
      const body = await response.json().catch(() => ({}));
      if (response.ok) return { ok: true, photo: body.photo };
      const after = Number(response.headers.get("Retry-After")) || undefined;
      return { ok: false, error: body.error || "unavailable", retry_after: after };
    } catch {
      return { ok: false, error: "offline" };
    }
  }
}
