/** The menu and the dialogs: keyboard, focus and Escape as people expect. */
import { el, icon } from "./dom.js";
import { t } from "./language.js";

const at = (id) => document.getElementById(id);

/** The menu behind a button: arrows move, Escape closes, focus comes back. */
export function setUpMenu(button, menu) {
  const items = () => [...menu.querySelectorAll("button:not([hidden])")];
  const close = (refocus) => {
    if (menu.hidden) return;
    menu.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (refocus) button.focus();
  };
  const open = () => {
    menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    items()[0]?.focus();
  };
  button.addEventListener("click", () => (menu.hidden ? open() : close(true)));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    open();
  });
  menu.addEventListener("keydown", (event) => {
    const all = items();
    const here = all.indexOf(document.activeElement);
    const goals = {
      ArrowDown: (here + 1) % all.length,
      ArrowUp: (here - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    };
    if (event.key in goals) {
      event.preventDefault();
      all[goals[event.key]].focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      close(true);
    } else if (event.key === "Tab") {
      close(false);
    }
  });
  // What a choice opens next takes the focus itself.
  menu.addEventListener("click", (event) => event.target.closest("button") && close(true));
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target) && !button.contains(event.target)) close(false);
  });
}

/** Ask before something that cannot be undone; a promise of true or false. */
export function confirmed(title, text, yes, { grave = false } = {}) {
  const dialog = at("confirm");
  at("confirm-title").textContent = title;
  at("confirm-text").textContent = text;
  at("confirm-yes").textContent = yes;
  at("confirm-yes").classList.toggle("grave", grave);
  return opened(dialog, (finish) => {
    at("confirm-yes").onclick = () => finish(true);
    at("confirm-no").onclick = () => finish(false);
    at("confirm-no").focus();
  });
}

/** Choose one of the demo's customers; a promise of an id or null. */
export function chooseCustomer(customers, lang) {
  return opened(at("customers"), (finish) => {
    at("customer-list").replaceChildren(
      ...customers.map((customer) => {
        const name = customer.name[lang] ?? "";
        return el(
          "button",
          { type: "button", class: "customer", onclick: () => finish(customer.id) },
          el("span", { class: "initial", "aria-hidden": "true" }, [...name][0] ?? ""),
          el(
            "span",
            { class: "about" },
            el("strong", {}, name),
            el("span", {}, customer.about?.[lang] ?? ""),
          ),
          icon("right"),
        );
      }),
    );
    at("customers-no").onclick = () => finish(null);
  });
}

/** Show a picture large. */
export function enlarge(url, alt) {
  const image = at("zoom-picture");
  image.src = url;
  image.alt = alt || t("picture");
  return opened(at("zoom"), (finish) => {
    at("zoom-close").onclick = () => finish(null);
  });
}

/** Open a dialog until `finish(value)`, Escape or a click beside it (then null). */
function opened(dialog, set) {
  return new Promise((resolve) => {
    let value = null;
    dialog.onclose = () => resolve(value);
    dialog.onclick = (event) => event.target === dialog && dialog.close();
    dialog.showModal();
    set((chosen) => {
      value = chosen;
      dialog.close();
    });
  });
}
