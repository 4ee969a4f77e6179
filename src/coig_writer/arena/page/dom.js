// Builds the page out of nodes. Text only ever becomes a text node: nothing here parses HTML.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const find = (selector) => document.querySelector(selector);

// What is drawn anew keeps the focus: on the part of the same name, else on the nearest that can hold it.
export function fill(node, ...children) {
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceChildren(...children.flat().filter(Boolean));
  if (!held || held === node) return node;
  node.querySelector(nameOf(held))?.focus({ preventScroll: true });
  if (!node.contains(document.activeElement)) (node.closest("[tabindex]") ?? find("#main")).focus({ preventScroll: true });
  return node;
}

function nameOf(node) {
  const name = node.id ? node.getAttributeNode("id") : [...node.attributes].find((attribute) => attribute.name.startsWith("data-"));
  return name ? `[${name.name}="${CSS.escape(name.value)}"]` : ":not(*)";
}

export function button(label, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, ...[label].flat());
}

export function keycap(text) {
  return el("kbd", { "aria-hidden": "true" }, text);
}

let hiding = 0;

// A lasting notice stays until it is closed or something else happened.
export function notify(text, { lasting = false, close = "" } = {}) {
  const notice = find("#notice");
  fill(notice, text, lasting && button("×", hush, { class: "plain", "aria-label": close, title: close }));
  notice.hidden = false;
  clearTimeout(hiding);
  if (!lasting) hiding = setTimeout(hush, 4200);
}

export function hush() {
  clearTimeout(hiding);
  find("#notice").hidden = true;
}

export function sheet(title, closing, ...content) {
  const dialog = find("#sheet");
  const close = button("×", () => dialog.close(), { class: "close", "aria-label": closing, title: closing });
  fill(dialog, el("h2", {}, title), close, ...content);
  if (!dialog.open) dialog.showModal();
}
