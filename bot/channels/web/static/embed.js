/**
 * Xiao'er on a shop's page: a button in the corner that opens the chat.
 *
 *   <script src="https://chat.shop.example/webhooks/webchat/embed.js" defer
 *           data-lang="zh" data-theme="light" data-sign-in="/xiaoer-token"></script>
 *
 * data-lang     zh or en; left out: the shopper's browser decides
 * data-theme    light or dark; left out: the system decides
 * data-sign-in  address on the shop's own site that answers {"token": …} to who is signed in
 *               there, and 401 to who is not
 * data-login    the shop's login page, opened when a visitor wants to sign in
 *
 * It adds one name, `Xiaoer`: open(), close(), toggle(), signIn(token), signOut(), setLanguage(lang).
 */
(() => {
  "use strict";
  if (window.Xiaoer) return;
  const script = document.currentScript;
  const home = new URL("./", script.src);
  const { lang, theme, signIn: tokenUrl, login: loginUrl } = script.dataset;
  const LABELS = {
    zh: { open: "打开客服聊天", close: "关闭客服聊天", frame: "客服聊天", news: "{count} 条未读消息" },
    en: { open: "Open the chat", close: "Close the chat", frame: "Chat", news: "{count} unread" },
  };
  const STYLE = `
    :host { all: initial; }
    .place { position: fixed; z-index: 2147483000; right: 20px; bottom: 20px;
      bottom: max(20px, env(safe-area-inset-bottom)); }
    button { position: relative; display: block; width: 60px; height: 60px; margin: 0; padding: 0; border: 0;
      border-radius: 20px; background: #b23a26; color: #fff; cursor: pointer;
      box-shadow: 0 6px 24px rgb(74 30 20 / 35%); transition: transform .15s; }
    button:hover { transform: translateY(-2px); }
    button:focus-visible { outline: 3px solid #b23a26; outline-offset: 3px; }
    svg { width: 60px; height: 60px; fill: none; stroke: #fff; stroke-width: 4.6; stroke-linecap: round; }
    .down, .opened .smile { display: none; }
    .opened .down { display: block; }
    .badge { position: absolute; top: -6px; right: -6px; min-width: 24px; height: 24px; padding: 0 7px;
      box-sizing: border-box; border: 2px solid #fff; border-radius: 12px; background: #2a2320; color: #fff;
      font: 600 12px/20px system-ui, sans-serif; text-align: center; }
    iframe { position: fixed; z-index: 2147483001; right: 20px; bottom: 92px; width: 400px;
      height: min(680px, calc(100vh - 112px)); border: 0; border-radius: 22px; background: #faf6f0;
      box-shadow: 0 16px 60px rgb(74 30 20 / 28%); color-scheme: normal; }
    [hidden] { display: none; }
    @media (max-width: 480px), (max-height: 480px) {
      iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; }
      .opened .launcher { display: none; }
    }
    @media (prefers-reduced-motion: reduce) { button { transition: none; } }`;

  let frame = null;
  let ready = false;
  let opened = false;
  let unread = 0;
  let signedIn = false;
  let labels = LABELS[lang] || LABELS[navigator.language.startsWith("zh") ? "zh" : "en"];
  const waiting = [];

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "closed" });
  const place = make("div", { class: "place" });
  const button = make("button", { type: "button", class: "launcher", "aria-expanded": "false" });
  const badge = make("span", { class: "badge", "aria-hidden": "true" });
  badge.hidden = true;
  // 二 with a smile; an arrow down while the chat is open.
  button.append(drawing("smile", "M20 22.5h20M14.5 37.5c9 6.5 22 6.5 31 0"));
  button.append(drawing("down", "M20 26l10 10 10-10"), badge);
  button.addEventListener("click", () => toggle());
  place.append(button);
  dress();
  root.append(place);
  label();
  if (document.body) document.body.append(host);
  else addEventListener("DOMContentLoaded", () => document.body.append(host), { once: true });

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== home.origin) return;
    if (event.data?.xiaoer !== 1) return;
    const { type, count, name, reason } = event.data;
    if (type === "ready") begin();
    else if (type === "unread") showUnread(Number(count) || 0);
    else if (type === "close") close();
    else if (type === "identity") signedIn = Boolean(name);
    else if (type === "token") fetchToken(reason);
    else if (type === "keep") keep(event.data);
  });
  // Who chatted before hears of news without opening the chat again.
  if (remembered()) load();

  function make(tag, attributes) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  function drawing(name, path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", name);
    svg.setAttribute("viewBox", "0 0 60 60");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  /** A constructed sheet passes the shop's CSP, whatever its style-src is. */
  function dress() {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      const style = document.createElement("style");
      style.textContent = STYLE;
      root.append(style);
    }
  }

  function label() {
    const news = unread ? ` (${labels.news.replace("{count}", unread)})` : "";
    button.setAttribute("aria-label", (opened ? labels.close : labels.open) + news);
    button.setAttribute("aria-expanded", String(opened));
    if (frame) frame.title = labels.frame;
  }

  function load() {
    if (frame) return;
    const page = new URL("chat", home);
    page.searchParams.set("embedded", "1");
    if (lang) page.searchParams.set("lang", lang);
    if (theme) page.searchParams.set("theme", theme);
    frame = make("iframe", {
      src: page.href,
      allow: `microphone ${home.origin}`,
      sandbox:
        "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
    });
    frame.hidden = true;
    place.prepend(frame);
    label();
  }

  /** The page in the frame is there: introduce ourselves, then what was asked of it before. */
  function begin() {
    ready = true;
    post("hello", { signIn: Boolean(tokenUrl || loginUrl), kept: kept() });
    post("visible", { on: opened });
    for (const [type, data] of waiting.splice(0)) post(type, data);
    if (tokenUrl) fetchToken("start");
  }

  function post(type, data) {
    frame.contentWindow.postMessage({ xiaoer: 1, type, ...data }, home.origin);
  }

  function tell(type, data = {}) {
    load();
    if (ready) post(type, data);
    else waiting.push([type, data]);
  }

  /** Ask the shop who is signed in there. `reason`: start, or asked (by the shopper). */
  async function fetchToken(reason) {
    let token = null;
    try {
      const options = { cache: "no-store", headers: { Accept: "application/json" } };
      const response = tokenUrl && (await fetch(tokenUrl, options));
      if (response?.ok) token = (await response.json()).token || null;
      // Out of order is not signed out: leave things as they are.
      else if (response && response.status !== 401) return;
    } catch {
      return;
    }
    if (token) tell("signIn", { token });
    else if (reason === "asked" && loginUrl) location.assign(loginUrl);
    else if (reason === "asked") tell("noToken");
    // Who has signed out of the shop is signed out of the chat too.
    else if (signedIn || reason === "start") tell("signOut");
  }

  function showUnread(count) {
    unread = opened ? 0 : count;
    badge.hidden = !unread;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    label();
  }

  function open() {
    load();
    remember();
    opened = true;
    frame.hidden = false;
    place.classList.add("opened");
    showUnread(0);
    tell("visible", { on: true });
    frame.focus();
  }

  function close() {
    if (!opened) return;
    opened = false;
    frame.hidden = true;
    place.classList.remove("opened");
    tell("visible", { on: false });
    label();
    button.focus();
  }

  function toggle() {
    if (opened) close();
    else open();
  }

  /** What the frame may not store itself, where the browser denies storage to other sites' frames. */
  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem("xiaoer")) || {};
    } catch {
      return {};
    }
  }

  function keep({ key, value }) {
    try {
      sessionStorage.setItem("xiaoer", JSON.stringify({ ...kept(), [key]: value }));
    } catch {
      // Then the conversation lasts as long as this page.
    }
  }

  function remembered() {
    try {
      return localStorage.getItem("xiaoer") === "used";
    } catch {
      return false;
    }
  }

  function remember() {
    try {
      localStorage.setItem("xiaoer", "used");
    } catch {
      // Without storage the chat is only loaded when it is opened.
    }
  }

  window.Xiaoer = Object.freeze({
    open,
    close,
    toggle,
    signIn: (token) => tell("signIn", { token: String(token) }),
    signOut: () => tell("signOut"),
    setLanguage: (other) => {
      if (!Object.hasOwn(LABELS, other)) return;
      labels = LABELS[other];
      label();
      tell("language", { lang: other });
    },
  });
})();
