/** Voice input and reading aloud, where the browser has them. */

const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;

/** Hears one sentence at a time. */
export class Voice {
  static available = Boolean(Recognition);

  /** @param on `words(text)` while hearing, `done(text)`, `state(listening)`, `problem(label)` */
  constructor(on) {
    this.on = on;
    this.hearing = null;
  }

  /** @param {string} lang "zh-CN" or "en-US" */
  start(lang) {
    const hearing = (this.hearing = new Recognition());
    let heard = "";
    hearing.lang = lang;
    hearing.interimResults = true;
    hearing.continuous = false;
    hearing.onresult = (event) => {
      heard = Array.from(event.results, (result) => result[0].transcript).join("").trim();
      this.on.words(heard);
    };
    hearing.onerror = (event) => {
      if (event.error === "aborted") return;
      const denied = event.error === "not-allowed" || event.error === "service-not-allowed";
      this.on.problem(denied ? "voice_denied" : "voice_failed");
    };
    hearing.onend = () => {
      this.hearing = null;
      this.on.state(false);
      if (heard) this.on.done(heard);
    };
    this.on.state(true);
    hearing.start();
  }

  stop() {
    this.hearing?.stop();
  }
}

/** Reads the bot's answers, when the shopper wants it. */
export class Reader {
  static available = "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
  on = false;

  /** @param {string} tag of the text's language, "zh-CN" or "en" */
  say(text, tag) {
    const words = text.replace(/https?:\/\/\S+/g, "").trim();
    if (!this.on || !words) return;
    const speech = new SpeechSynthesisUtterance(words);
    speech.lang = tag === "en" ? "en-US" : tag;
    const voices = speechSynthesis.getVoices();
    speech.voice = voices.find((voice) => voice.lang.replace("_", "-") === speech.lang) || null;
    speechSynthesis.speak(speech);
  }

  hush() {
    if (Reader.available) speechSynthesis.cancel();
  }
}

/** What there is to read in a bot's entry: its sentences, then names and prices of its cards. */
export function spoken(entry) {
  const list = (value) => (Array.isArray(value) ? value.filter(Boolean) : []);
  return list(entry.items).flatMap((item) =>
    item.type === "cards"
      ? list(item.cards).map((card) => [card.title, card.price].filter(Boolean).join(", "))
      : [String(item.text ?? "")],
  );
}
