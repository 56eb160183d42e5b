/**
 * The line to the shop's page when the chat is embedded there (embed.js).
 *
 * Messages are {xiaoer: 1, type, …}. Only the parent is heard, and only from the origin that spoke
 * first; which sites may be parent at all is said by the server's `frame-ancestors`.
 */
export class Bridge {
  static embedded = window.parent !== window;
  #origin = null;

  /** @param on what the shop's page may ask, by type: `hello`, `visible`, `language`, … */
  constructor(on) {
    if (!Bridge.embedded) return;
    addEventListener("message", (event) => {
      if (event.source !== window.parent || event.data?.xiaoer !== 1) return;
      this.#origin ??= event.origin;
      if (event.origin !== this.#origin || !Object.hasOwn(on, event.data.type)) return;
      on[event.data.type](event.data);
    });
    // Says nothing but "I am here": the parent is not known yet.
    window.parent.postMessage({ xiaoer: 1, type: "ready" }, "*");
  }

  tell(type, data = {}) {
    if (this.#origin) window.parent.postMessage({ xiaoer: 1, type, ...data }, this.#origin);
  }
}
