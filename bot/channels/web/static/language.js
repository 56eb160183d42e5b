/** The page's language: which it is, its labels, and what language a text is in. */
import { STRINGS } from "./strings.js";
import { stored, store } from "./dom.js";

const KEY = "xiaoer.lang";
export const TAGS = { zh: "zh-CN", en: "en" };
let current = "zh";

/** The shopper's choice, else the embedding page's, else the browser's, else the shop's. */
export function chooseLanguage(asked, shopDefault) {
  const browser = (navigator.languages || [navigator.language || ""])
    .map((tag) => tag.slice(0, 2).toLowerCase())
    .find((tag) => tag in STRINGS);
  return [stored(KEY), asked, browser, shopDefault].find((lang) => lang in STRINGS) || "zh";
}

/** What the shopper chose before no longer holds: the shop's page has changed its language. */
export const forgetChoice = () => store(KEY, null);

export const language = () => current;

/** Switch labels; `keep` remembers it as the shopper's own choice. */
export function setLanguage(lang, { keep = false } = {}) {
  if (!(lang in STRINGS)) return;
  current = lang;
  if (keep) store(KEY, lang);
  document.documentElement.lang = TAGS[lang];
  translate(document);
}

/** A label, with `{name}` filled in. */
export function t(key, values = {}) {
  const text = STRINGS[current][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fill in every label below `root`. */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll("[data-i18n-label]")) {
    const label = t(node.dataset.i18nLabel);
    node.setAttribute("aria-label", label);
    if (node.tagName === "BUTTON") node.title = label;
  }
  for (const node of root.querySelectorAll("[data-i18n-placeholder]")) {
    node.placeholder = t(node.dataset.i18nPlaceholder);
  }
  for (const node of root.querySelectorAll("time[data-at]")) {
    node.textContent = formatTime(Number(node.dataset.at));
  }
}

/** The `lang` attribute of a text: the language most of its words are in. */
export function tagOf(text) {
  text = text.replace(/https?:\/\/\S+/g, "");
  const han = (text.match(/[\u3400-\u9fff\uf900-\ufaff]/g) || []).length;
  const words = (text.match(/[a-z]+(?:['’-][a-z]+)*/gi) || []).length;
  if (!han && !words) return TAGS[current];
  // A Chinese word has about two characters.
  return han / 2 >= words || (han && words <= 2) ? TAGS.zh : TAGS.en;
}

/** "14:05", with the day when it is not today. `seconds`: Unix time. */
export function formatTime(seconds) {
  const at = new Date(seconds * 1000);
  const options = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (at.toDateString() !== new Date().toDateString()) {
    Object.assign(options, { month: "short", day: "numeric" });
  }
  return new Intl.DateTimeFormat(TAGS[current], options).format(at);
}
