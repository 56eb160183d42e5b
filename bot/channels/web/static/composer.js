/** Where the shopper writes: text, a photo, the voice. */
import { language, t } from "./language.js";
import { PhotoError, prepare } from "./photos.js";
import { Voice } from "./speech.js";

const at = (id) => document.getElementById(id);
// From this share of the limit on, the number of characters is shown.
const NEARLY_FULL = 0.9;

export class Composer {
  /** @param on `send({text, file?, preview?})`, `note(label, values?)`, `hearing()` */
  constructor(limits, on) {
    this.limits = limits;
    this.on = on;
    this.photo = null;
    this.text = at("text");
    this.#listen();
    if (Voice.available) this.#setUpVoice();
    this.refresh();
  }

  focus() {
    this.text.focus();
  }

  /** Height, counter and buttons as the content asks. */
  refresh() {
    const { text, limits } = this;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    const count = [...text.value].length;
    const over = count > limits.maxText;
    const label = at("count");
    label.hidden = count < limits.maxText * NEARLY_FULL;
    label.textContent = t(over ? "too_long" : "count", { count, max: limits.maxText });
    label.classList.toggle("over", over);
    text.setAttribute("aria-invalid", String(over));
    at("send").disabled = over || !(text.value.trim() || this.photo);
  }

  #listen() {
    this.text.addEventListener("input", () => this.refresh());
    this.text.addEventListener("keydown", (event) => {
      // An IME takes Enter to choose a word; Safari says so by 229 only.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) {
        return;
      }
      event.preventDefault();
      this.#submit();
    });
    at("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    at("photo").addEventListener("click", () => at("file").click());
    at("file").addEventListener("change", () => this.#choose(at("file").files[0]));
    at("remove-photo").addEventListener("click", () => {
      this.#attach(null);
      this.focus();
    });
    this.text.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
      if (!file) return;
      event.preventDefault();
      this.#choose(file);
    });
  }

  #submit() {
    this.refresh();
    if (at("send").disabled) return;
    this.on.send({ text: this.text.value.trim(), ...this.photo });
    this.text.value = "";
    this.#attach(null);
    this.focus();
  }

  async #choose(file) {
    if (!file) return;
    try {
      this.#attach(await prepare(file, this.limits));
      this.focus();
    } catch (error) {
      if (!(error instanceof PhotoError)) throw error;
      this.on.note(error.message, { max: Math.floor(this.limits.maxBytes / 2 ** 20) });
    }
    at("file").value = "";
  }

  #attach(photo) {
    this.photo = photo;
    at("attachment").hidden = !photo;
    if (photo) at("preview").src = photo.preview;
    else at("preview").removeAttribute("src");
    at("preview").alt = photo ? t("photo_sent") : "";
    this.refresh();
  }

  #setUpVoice() {
    const button = at("voice");
    let before = "";
    const show = (text) => {
      this.text.value = before && text ? `${before} ${text}` : before || text;
      this.refresh();
    };
    const voice = new Voice({
      words: show,
      done: (text) => {
        show(text);
        this.#submit();
      },
      state: (listening) => {
        button.setAttribute("aria-pressed", String(listening));
        button.dataset.i18nLabel = listening ? "voice_stop" : "voice";
        button.setAttribute("aria-label", t(button.dataset.i18nLabel));
        button.title = t(button.dataset.i18nLabel);
        this.on.note(listening ? "voice_listening" : null);
      },
      problem: (label) => queueMicrotask(() => this.on.note(label)),
    });
    button.hidden = false;
    button.addEventListener("click", () => {
      if (voice.hearing) return voice.stop();
      before = this.text.value.trim();
      this.on.hearing();
      voice.start(language() === "en" ? "en-US" : "zh-CN");
    });
  }
}
