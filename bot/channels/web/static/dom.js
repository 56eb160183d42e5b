/** Building the page: elements and text nodes only, never markup; addresses only http(s). */

const SVG = "http://www.w3.org/2000/svg";
// Where an address ends: white space, quotes, brackets, and any Chinese character or punctuation.
const ADDRESS = /https?:\/\/[^\s<>"'`‘’“”…\u3000-\u9fff\uff00-\uffef]+/gi;
const TRAILING = /[.,;:!?)\]}]+$/;

/** An element; attributes that are null or false are left out, `onclick` and the like listen. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A symbol of index.html, hidden from screen readers. */
export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** The address when a page may open it, else null. */
export function safeUrl(value) {
  if (typeof value !== "string" || !value) return null;
  try {
    const url = new URL(value, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens outside of the chat. */
export function link(href, attributes, ...children) {
  return el(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer nofollow", ...attributes },
    ...children,
  );
}

/** Text with its addresses as links, as nodes. */
export function linkify(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    const href = safeUrl(address);
    if (!href) continue;
    nodes.push(text.slice(end, match.index), link(href, {}, address));
    end = match.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

/** A frame on another site's page may be denied any storage. */
export const storageBlocked = (() => {
  try {
    return !localStorage;
  } catch {
    return true;
  }
})();
const memory = new Map();
let keeper = null;

/** What the browser kept; where it keeps nothing, this page's memory. */
export function stored(key) {
  return (storageBlocked ? memory.get(key) : localStorage.getItem(key)) ?? null;
}

/** Keep a string, or forget it when it is null. */
export function store(key, value) {
  if (storageBlocked) {
    memory.set(key, value);
    keeper?.(key, value);
  } else if (value === null) localStorage.removeItem(key);
  else localStorage.setItem(key, value);
}

/** Somebody else keeps what the browser does not: `keep(key, value)`, and what they kept so far. */
export function keepWith(keep, kept) {
  keeper = keep;
  for (const [key, value] of Object.entries(kept ?? {})) memory.set(key, value);
}

/** A UUID; `crypto.randomUUID` is missing on plain http and in older phones' browsers. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
