// On a narrow screen the text and the form stand behind two tabs.

import { t } from "/workbench/strings.js";
import { button, el, find } from "/page/dom.js";

export const tabs = () => el("div", { class: "tabs", role: "tablist" }, ...["text", "form"].map((side) =>
  button(t(`tab_${side}`), () => turnTo(side), { role: "tab", "data-side": side, "aria-selected": String(side === "text") })));

export function turnTo(side) {
  find(".workspace").dataset.side = side;
  for (const tab of document.querySelectorAll(".tabs [role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.side === side));
  document.querySelectorAll("#form textarea").forEach(grow); // while it was hidden, a box had no height
}

export function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}
