/** The chat page: puts the parts together. The protocol is written down in ../protocol.py. */
import { Bridge } from "./bridge.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { chooseCustomer, confirmed, enlarge, setUpMenu } from "./dialogs.js";
import { keepWith, storageBlocked, uuid } from "./dom.js";
import { chooseLanguage, forgetChoice, language, setLanguage, t, tagOf } from "./language.js";
import { Log } from "./log.js";
import { dataUrl } from "./photos.js";
import { Reader, spoken } from "./speech.js";

const at = (id) => document.getElementById(id);
const base = new URL("./", location.href).pathname;
const query = new URLSearchParams(location.search);
/** The language that the embedding page wants. */
let asked = query.get("lang");
// Less than this from the end counts as being there, in pixels.
const NEAR_END = 60;
// A "typing" that nobody ends, in milliseconds; and a gap in the numbers that nobody fills.
const TYPING_MS = 60_000;
const GAP_MS = 1500;
const NOTE_MS = 7000;
const HELLO_MS = 1000;

const state = {
  status: "connecting",
  name: null,
  unread: 0,
  unseen: 0,
  visible: !Bridge.embedded,
  demo: false,
  canSignIn: false,
  note: null,
};
const limits = {
  maxText: 2000,
  maxBytes: 5 * 2 ** 20,
  types: ["image/jpeg", "image/png", "image/webp"],
};

/* The dialogue */

const log = new Log(at("log"), {
  tap: (option, { keyboard }) => {
    say({ type: "payload", key: option.key, title: option.title });
    // The button is disabled now; on a phone the focus would open the keyboard.
    if (keyboard) composer.focus();
  },
  retry: (id) => {
    const message = failed.get(id);
    if (!message) return;
    failed.delete(id);
    message.attempts = 0;
    log.state(id, "sending");
    connection.send(message);
  },
  photo: async (id) => {
    const response = await connection.fetch(`photo/${encodeURIComponent(id)}`);
    return response.ok ? dataUrl(await response.blob()) : null;
  },
  enlarge,
});
const failed = new Map();
let gapTimer = null;

function say(content) {
  const message = { id: uuid(), ...content, lang: language() };
  reader.hush();
  log.pend({ ...message, from: "user" }, () => (connection.isReady ? "sending" : "waiting"));
  connection.send(message);
  showEmpty();
  toEnd();
}

/** One entry as it happens. */
function show(entry) {
  const isNew = log.add(entry);
  if (entry.from === "bot") {
    setTyping(false);
    if (isNew) announce(entry);
  }
  showEmpty();
  followEnd(isNew && entry.from === "bot" ? 1 : 0);
  clearTimeout(gapTimer);
  if (entry.seq > log.complete) gapTimer = setTimeout(fillGap, GAP_MS);
}

/** What came while we were away, without reading the whole history to a screen reader. */
function showAll(data) {
  // The server's numbers began anew: what it forgot is gone.
  if (data.seq < log.complete) log.clear();
  const known = log.complete > 0;
  at("log").setAttribute("aria-live", known ? "polite" : "off");
  let fresh = 0;
  for (const entry of data.entries) {
    if (log.add(entry) && entry.from === "bot" && known) {
      fresh += 1;
      announce(entry);
    }
  }
  log.completeTo(data.seq);
  setTimeout(() => at("log").setAttribute("aria-live", "polite"), 500);
  setTyping(false);
  showEmpty();
  if (known) followEnd(fresh);
  else toEnd();
}

async function fillGap() {
  const answer = await connection.ask("history", { after: log.complete });
  if (!answer.ok) return;
  for (const entry of answer.entries) {
    if (log.add(entry) && entry.from === "bot") announce(entry);
  }
  log.completeTo(answer.entries.reduce((most, entry) => Math.max(most, entry.seq), 0));
  followEnd(0);
}

function announce(entry) {
  for (const text of spoken(entry)) reader.say(text, tagOf(text));
  if (!document.hidden && state.visible) return;
  state.unread += 1;
  showUnread();
}

function showUnread() {
  document.title = (state.unread ? `(${state.unread}) ` : "") + t("title");
  bridge.tell("unread", { count: state.unread });
}

function seen() {
  if (document.hidden || !state.visible) return;
  state.unread = 0;
  showUnread();
}

function showEmpty() {
  at("empty").hidden = !log.empty;
}

let typingTimer = null;
function setTyping(on) {
  clearTimeout(typingTimer);
  at("typing").hidden = !on;
  if (!on) return;
  typingTimer = setTimeout(() => setTyping(false), TYPING_MS);
  followEnd(0);
}

/* Scrolling: stay at the end unless the shopper went up to read. */

const scroller = at("scroll");
let following = true;
let lastTop = 0;

function toEnd() {
  following = true;
  scroller.scrollTop = scroller.scrollHeight;
  state.unseen = 0;
  showLatest();
}

function followEnd(news) {
  if (following) return toEnd();
  state.unseen += news;
  showLatest();
}

function showLatest() {
  at("latest").hidden = following;
  at("latest-text").textContent = state.unseen
    ? t("new_messages", { count: state.unseen })
    : t("latest");
}

scroller.addEventListener(
  "scroll",
  () => {
    const top = scroller.scrollTop;
    const near = scroller.scrollHeight - scroller.clientHeight - top < NEAR_END;
    if (near) following = true;
    else if (top < lastTop) following = false;
    lastTop = top;
    if (following) state.unseen = 0;
    showLatest();
  },
  { passive: true },
);
// Pictures that load and phones' keyboards that open move the end.
const resized = new ResizeObserver(() => following && toEnd());
resized.observe(at("log"));
resized.observe(scroller);
at("latest").addEventListener("click", () => {
  toEnd();
  scroller.focus();
});

/* The line to the server */

const connection = new Connection(base, language, {
  lastSeq: () => log.complete,
  status: (status) => {
    state.status = status;
    showStatus();
    if (status !== "online") setTyping(false);
  },
  ready: (data) => {
    setName(data.name);
    showAll(data);
    if (!configured) configure();
  },
  entry: show,
  typing: setTyping,
  identity: setName,
  cleared: () => {
    log.clear();
    failed.clear();
    reader.hush();
    state.unread = 0;
    showUnread();
    setTyping(false);
    showEmpty();
    toEnd();
  },
  taken: (message, ack) => {
    log.confirm(message.id, ack.seq);
    followEnd(0);
    if (ack.seq > log.complete) gapTimer = setTimeout(fillGap, GAP_MS);
  },
  slow: (message) => {
    log.state(message.id, "waiting");
    note("slow");
  },
  failed: (message, code) => {
    failed.set(message.id, message);
    log.state(message.id, "failed");
    note(known(code, ["too_large", "not_an_image"]));
  },
  error: (code) => note(known(code)),
});

/** The label of an error code. */
function known(code, photo = []) {
  if (photo.includes(code)) return code === "too_large" ? "photo_large" : "photo_type";
  if (code === "too_fast" || code === "too_many") return "slow";
  const label = `error_${code}`;
  return t(label) === label ? "error_other" : label;
}

const BANNERS = ["offline", "reconnecting", "busy", "refused"];
let bannerTimer = null;

function showStatus() {
  clearTimeout(bannerTimer);
  const bad = BANNERS.includes(state.status);
  const set = () => {
    at("banner").textContent = bad ? t(state.status) : "";
    document.body.dataset.status = state.status;
  };
  // A hiccup of half a second is nobody's business.
  if (state.status === "reconnecting" && !at("banner").textContent) bannerTimer = setTimeout(set, 600);
  else set();
  const name = state.name && (state.name[language()] ?? Object.values(state.name)[0]);
  const named = name && t("signed_in_as", { name });
  at("presence-text").textContent = state.status === "connecting" ? t("connecting") : named || t("online");
  if (bad) at("presence-text").textContent = named || t("title").split(" · ").pop();
}

let noteTimer = null;
function note(label, values) {
  clearTimeout(noteTimer);
  state.note = label ? { label, values } : null;
  at("note").textContent = label ? t(label, { max: Math.floor(limits.maxBytes / 2 ** 20), ...values }) : "";
  if (label) noteTimer = setTimeout(() => note(null), NOTE_MS);
}

/* Writing */

const composer = new Composer(limits, {
  send: ({ text, file, preview }) =>
    say(file ? { type: "photo", file, preview, ...(text && { text }) } : { type: "text", text }),
  note,
  hearing: () => reader.hush(),
});

/* Who the shopper is */

function setName(name) {
  state.name = name ?? null;
  at("sign-out").hidden = !state.name;
  at("sign-in").hidden = Boolean(state.name) || !(state.demo || state.canSignIn);
  showStatus();
  bridge.tell("identity", { name: state.name });
}

async function signIn(token) {
  await connection.ready;
  const answer = await connection.ask("sign_in", { token });
  // As somebody else than before it begins a new conversation: `ready` tells the rest.
  if (answer.ok) setName(answer.name);
  return answer;
}

/** A token of the shop's page. */
async function signInFromShop(token) {
  const answer = await signIn(token);
  if (!answer.ok) note(known(answer.error));
}

async function signInAsSample() {
  try {
    const response = await connection.fetch("demo/customers");
    const { customers } = await response.json();
    const id = await chooseCustomer(customers, language());
    if (id === null) return;
    const issued = await connection.fetch("demo/token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ customer: id }),
    });
    const answer = await signIn((await issued.json()).token);
    if (!answer.ok) note(known(answer.error));
  } catch {
    note("error_offline");
  }
}

/* The menu */

setUpMenu(at("menu-button"), at("menu"));
at("sign-in").addEventListener("click", () => {
  if (state.canSignIn) bridge.tell("token", { reason: "asked" });
  else signInAsSample();
});
at("sign-out").addEventListener("click", async () => {
  if (await confirmed(t("sign_out"), t("sign_out_why"), t("sign_out"))) end("sign_out", {});
});
at("start-over").addEventListener("click", async () => {
  if (await confirmed(t("start_over"), t("start_over_why"), t("start_over"))) {
    end("start_over", { lang: language() });
  }
});
at("erase").addEventListener("click", async () => {
  if (await confirmed(t("erase"), t("erase_why"), t("erase_yes"), { grave: true })) {
    if (await end("erase", {})) note("erased");
  }
});

/** What ends the conversation; the server then sends `session`. */
async function end(event, data) {
  const answer = await connection.ask(event, data);
  if (!answer.ok) note(known(answer.error));
  composer.focus();
  return answer.ok;
}

const reader = new Reader();
at("aloud").hidden = !Reader.available;
at("aloud").addEventListener("click", () => {
  reader.on = !reader.on;
  at("aloud").setAttribute("aria-checked", String(reader.on));
  if (!reader.on) reader.hush();
});

function switchLanguage(lang, options) {
  setLanguage(lang, options);
  const other = lang === "zh" ? "en" : "zh";
  const button = at("language");
  button.textContent = t("other_language_short");
  button.lang = other === "zh" ? "zh-CN" : "en";
  button.setAttribute("aria-label", t("other_language"));
  button.title = t("other_language");
  showStatus();
  showUnread();
  showLatest();
  composer.refresh();
  if (state.note) note(state.note.label, state.note.values);
}
at("language").addEventListener("click", () =>
  switchLanguage(language() === "zh" ? "en" : "zh", { keep: true }),
);

/* Embedded in a shop's page */

let greeted;
const hello = new Promise((resolve) => (greeted = resolve));
const bridge = new Bridge({
  hello: ({ signIn: canSignIn, kept }) => {
    state.canSignIn = Boolean(canSignIn);
    if (storageBlocked) {
      keepWith((key, value) => bridge.tell("keep", { key, value }), kept);
      switchLanguage(chooseLanguage(asked, null));
    }
    greeted();
    at("close").hidden = false;
    setName(state.name);
    showUnread();
  },
  visible: ({ on }) => {
    state.visible = Boolean(on);
    seen();
    if (on && matchMedia("(hover: hover)").matches) composer.focus();
  },
  language: ({ lang }) => {
    if (lang !== "zh" && lang !== "en") return;
    asked = lang;
    forgetChoice();
    switchLanguage(lang);
  },
  signIn: ({ token }) => typeof token === "string" && signInFromShop(token),
  signOut: async () => {
    await connection.ready;
    if (state.name) end("sign_out", {});
  },
  noToken: () => note("sign_in_needed"),
});
at("close").addEventListener("click", () => bridge.tell("close"));
document.addEventListener("visibilitychange", seen);
addEventListener("focus", seen);
addEventListener("keydown", (event) => {
  const busy = !at("menu").hidden || document.querySelector("dialog[open]");
  if (event.key === "Escape" && Bridge.embedded && !busy && !event.defaultPrevented) {
    bridge.tell("close");
  }
});

/* Begin */

let configured = false;
async function configure() {
  try {
    const response = await fetch(`${base}config`);
    if (!response.ok) return;
    const config = await response.json();
    configured = true;
    state.demo = Boolean(config.demo);
    limits.maxText = config.max_text ?? limits.maxText;
    limits.maxBytes = config.max_photo_bytes ?? limits.maxBytes;
    limits.types = config.photo_types ?? limits.types;
    at("file").accept = limits.types.join(",");
    switchLanguage(chooseLanguage(asked, config.default_language));
    setName(state.name);
  } catch {
    // Tried again when the line is up.
  }
}

const theme = query.get("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
document.documentElement.classList.toggle("embedded", Bridge.embedded);
switchLanguage(chooseLanguage(asked, null));
showEmpty();
configure();
// The shop's page may know our session, where the browser does not keep it.
if (Bridge.embedded && storageBlocked) setTimeout(greeted, HELLO_MS);
else greeted();
hello.then(() => connection.start());
if (!Bridge.embedded && matchMedia("(hover: hover)").matches) composer.focus();
