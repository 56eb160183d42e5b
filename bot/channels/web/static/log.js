/** The dialogue on the page: entries in the order of their seq, then those that wait for one. */
import { el, icon, link, linkify, safeUrl } from "./dom.js";
import { formatTime, t, tagOf, translate } from "./language.js";

// A pause after which the time is shown again, in seconds.
const PAUSE = 600;

export class Log {
  /**
   * @param {HTMLElement} root the element with role=log
   * @param on what the shopper does: `tap(option)`, `retry(id)`, `enlarge(img)`; and
   *     `photo(id)`, which promises an address to show
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.clear();
  }

  clear() {
    this.root.replaceChildren();
    this.bySeq = new Map();
    this.byId = new Map();
    this.usedKeys = new Set();
    /** The greatest seq up to which nothing is missing. */
    this.complete = 0;
  }

  get latest() {
    return Math.max(0, ...this.bySeq.keys());
  }

  get empty() {
    return !this.root.firstChild;
  }

  /** Show an entry of the server's; false when it was shown before. */
  add(entry) {
    if (entry.key) this.use(entry.key);
    // The server could not keep this one: it has no seq and comes only once.
    const seq = entry.seq ?? this.latest + 0.01;
    if (this.bySeq.has(seq) && entry.seq) return false;
    if (entry.from === "user" && this.byId.has(entry.id)) {
      this.confirm(entry.id, seq, entry.at);
      return false;
    }
    const node = entry.from === "bot" ? this.#bot(entry) : this.#user(entry);
    if (!node) {
      this.#seen(seq, null);
      return false;
    }
    this.#place(node, seq, entry.at);
    if (entry.from === "user") this.byId.set(entry.id, node);
    return true;
  }

  /** Everything up to `seq` is here, whatever numbers are missing. */
  completeTo(seq) {
    this.complete = Math.max(this.complete, seq);
    this.#seen(null, null);
  }

  /** Show a message of the shopper's that the server has not taken yet; `why()`: its state. */
  pend(message, why) {
    const node = this.#user(message);
    this.byId.set(message.id, node);
    this.#place(node, Infinity, Date.now() / 1000);
    if (message.key) this.use(message.key);
    // Most are taken at once; only what takes longer is worth a word.
    node.timer = setTimeout(() => this.state(message.id, why()), 1200);
  }

  /** The server has taken a message. */
  confirm(id, seq, at) {
    const node = this.byId.get(id);
    if (!node) return;
    this.state(id, null);
    if (seq && node.seq === Infinity) this.#place(node, seq, at ?? node.at);
  }

  /** What to say below a message: null, "sending", "waiting" or "failed" (with a way to retry). */
  state(id, key) {
    const node = this.byId.get(id);
    if (!node) return;
    clearTimeout(node.timer);
    node.querySelector(".state")?.remove();
    node.classList.toggle("failed", key === "failed");
    if (!key) return;
    const again =
      key === "failed"
        ? el("button", { type: "button", "data-i18n": "retry", onclick: () => this.on.retry(id) })
        : null;
    const line = el("p", { class: "state" }, el("span", { "data-i18n": key }), again);
    translate(line);
    node.append(line);
  }

  /** Mark the button with this key as chosen: of choices the whole group, of a card only it. */
  use(key) {
    this.usedKeys.add(key);
    for (const button of this.root.querySelectorAll("button[data-key]")) {
      if (button.dataset.key === key) this.#used(button);
    }
  }

  #used(button) {
    const group = button.closest(".choices");
    for (const other of group ? group.querySelectorAll("button[data-key]") : [button]) {
      other.disabled = true;
    }
    if (button.classList.contains("chosen")) return;
    button.classList.add("chosen");
    const mark = el("span", { class: "visually-hidden", "data-i18n": "used" });
    button.append(" ", mark);
    mark.textContent = t("used");
  }

  #seen(seq, node) {
    if (seq !== null) this.bySeq.set(seq, node);
    while (this.bySeq.has(this.complete + 1)) this.complete += 1;
  }

  /** Put a node where its seq belongs; nodes without one stay at the end. */
  #place(node, seq, at) {
    node.seq = seq;
    node.at = at;
    node.dataset.at = at;
    if (seq !== Infinity) {
      node.dataset.seq = seq;
      this.#seen(seq, node);
    }
    let before = this.root.lastElementChild;
    while (before && (before === node || before.seq > seq)) before = before.previousElementSibling;
    const next = before ? before.nextElementSibling : this.root.firstElementChild;
    // Moving a node makes screen readers say it again: only when it is out of place.
    if (!node.parentNode || (next !== node && before !== node.previousElementSibling)) {
      const left = node.previousElementSibling;
      this.root.insertBefore(node, next);
      this.#join(left?.nextElementSibling);
    }
    this.#join(node);
    this.#join(node.nextElementSibling);
  }

  /** Show the time after a pause, and the bot's seal once for what it says in one go. */
  #join(node) {
    if (!node) return;
    const before = node.previousElementSibling;
    const paused = !before || node.at - before.at > PAUSE;
    let when = node.querySelector(":scope > .when");
    if (paused && !when) {
      when = el("time", { class: "when", "data-at": node.at }, formatTime(node.at));
      node.prepend(when);
    } else if (!paused) {
      when?.remove();
    }
    const same = (a, b) => a.classList.contains("bot") === b.classList.contains("bot");
    node.classList.toggle("goes-on", !paused && Boolean(before) && same(node, before));
  }

  #user(entry) {
    const node = el("div", { class: "entry user" });
    node.append(el("span", { class: "visually-hidden", "data-i18n": "you_said" }));
    if (entry.type === "photo") node.append(this.#photo(entry));
    const text = entry.type === "payload" ? entry.title || entry.text : entry.text;
    if (entry.type === "location") {
      const place = el("div", { class: "bubble place" }, icon("place"));
      place.append(el("span", { "data-i18n": "location" }));
      node.append(place);
    } else if (text) {
      node.append(bubble(text));
    }
    translate(node);
    return node;
  }

  #photo(entry) {
    const shown = el("div", { class: "figure" });
    const show = (address) =>
      shown.replaceChildren(
        address ? this.#enlargeable(address, t("photo_sent"), false) : noPicture(t("photo_sent")),
      );
    if (entry.preview) show(entry.preview);
    else if (entry.photo) this.on.photo(entry.photo).then(show, () => show(null));
    else show(null);
    return shown;
  }

  #bot(entry) {
    const parts = (Array.isArray(entry.items) ? entry.items : [])
      .map((item) => this.#item(item))
      .filter(Boolean);
    if (!parts.length) return null;
    const said = el("span", { class: "visually-hidden", "data-i18n": "bot_said" });
    const node = el(
      "div",
      { class: "entry bot" },
      icon("seal", "seal"),
      el("div", { class: "items" }, said, ...parts),
    );
    translate(node);
    return node;
  }

  #item(item) {
    if (!item || typeof item !== "object") return null;
    switch (item.type) {
      case "text":
        return bubble(item.text);
      case "choices": {
        const said = item.text ? bubble(item.text) : null;
        const options = this.#options(item.options, "choices", item.text);
        return el("div", { class: "ask" }, ...[said, options].filter(Boolean));
      }
      case "image": {
        const url = safeUrl(item.url);
        return url && el("div", { class: "figure" }, this.#enlargeable(url, item.alt || ""));
      }
      case "cards":
        return this.#cards(item.cards);
      default:
        return null;
    }
  }

  #options(options, className, about) {
    const buttons = (Array.isArray(options) ? options : [])
      .map((option) => this.#option(option))
      .filter(Boolean);
    if (!buttons.length) return null;
    const label = about ? { "aria-label": about } : { "data-i18n-label": "choices" };
    return el("div", { class: `options ${className}`, role: "group", ...label }, ...buttons);
  }

  #option(option) {
    if (!option || typeof option.title !== "string") return null;
    const lang = tagOf(option.title);
    if (option.url) {
      const url = safeUrl(option.url);
      const hint = el("span", { class: "visually-hidden", "data-i18n": "opens" });
      return url && link(url, { class: "option", lang }, option.title, icon("out"), hint);
    }
    if (typeof option.key !== "string") return null;
    const attributes = { type: "button", class: "option", lang, "data-key": option.key };
    const button = el("button", attributes, option.title);
    button.addEventListener("click", (event) => {
      if (this.usedKeys.has(option.key)) return;
      // A click without a pointer came from the keyboard, whose focus must not get lost.
      this.on.tap(option, { keyboard: event.detail === 0 });
    });
    // The history may hold the tap on it.
    if (this.usedKeys.has(option.key)) queueMicrotask(() => this.#used(button));
    return button;
  }

  #cards(cards) {
    const known = (Array.isArray(cards) ? cards : []).filter(
      (card) => card && typeof card.title === "string",
    );
    if (!known.length) return null;
    const pictured = known.some((card) => safeUrl(card.image));
    const list = el(
      "ul",
      { class: "cards", "data-i18n-label": "cards" },
      ...known.map((card) => this.#card(card, pictured)),
    );
    // Orders and parcels have no pictures: they read better one below the other.
    if (!pictured) return el("div", { class: "stack" }, list);
    if (known.length === 1) return el("div", { class: "single" }, list);
    return carousel(list);
  }

  #card(card, pictured) {
    const url = safeUrl(card.url);
    const title = url ? link(url, {}, card.title) : card.title;
    const image = safeUrl(card.image);
    const alt = card.alt || card.title;
    return el(
      "li",
      { class: "card", lang: tagOf(card.title) },
      pictured ? el("div", { class: "picture" }, image ? picture(image, alt) : noPicture(alt)) : null,
      el(
        "div",
        { class: "about" },
        el("h2", {}, title),
        card.subtitle ? el("p", { class: "subtitle" }, card.subtitle) : null,
        card.price ? el("p", { class: "price" }, card.price) : null,
      ),
      this.#options(card.options, "links", card.title),
    );
  }

  #enlargeable(url, alt, lazy = true) {
    const image = picture(url, alt, lazy);
    const button = el("button", { type: "button", "data-i18n-label": "enlarge" }, image);
    button.addEventListener("click", () => this.on.enlarge(url, alt));
    image.addEventListener("error", () => button.replaceWith(noPicture(alt)), { once: true });
    translate(el("div", {}, button));
    return button;
  }
}

function bubble(text) {
  const said = String(text ?? "");
  return el("div", { class: "bubble", lang: tagOf(said), dir: "auto" }, ...linkify(said));
}

/** An image that becomes a placeholder when it cannot be loaded. */
function picture(url, alt, lazy = true) {
  const image = el("img", {
    alt,
    loading: lazy ? "lazy" : null,
    decoding: "async",
    referrerpolicy: "no-referrer",
  });
  image.addEventListener("error", () => image.replaceWith(noPicture(alt)), { once: true });
  image.src = url;
  return image;
}

function noPicture(alt) {
  const label = alt || t("no_picture");
  return el("div", { class: "no-picture", role: "img", "aria-label": label }, icon("photo"), label);
}

/** Cards side by side that scroll with finger, wheel, keys and, with a mouse, buttons. */
function carousel(list) {
  const turn = (name, way) =>
    el(
      "button",
      {
        type: "button",
        class: `round turn ${name}`,
        "data-i18n-label": name,
        onclick: () => list.scrollBy({ left: way * list.clientWidth * 0.8 }),
      },
      icon(way < 0 ? "left" : "right"),
    );
  const previous = turn("previous", -1);
  const next = turn("next", 1);
  const update = () => {
    const rest = list.scrollWidth - list.clientWidth - list.scrollLeft;
    previous.hidden = list.scrollLeft < 8;
    next.hidden = rest < 8;
  };
  list.tabIndex = 0;
  list.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(list);
  return el("div", { class: "carousel" }, previous, list, next);
}
