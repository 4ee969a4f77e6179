// Side by side: left, right, about equal, both bad. Arrow keys choose, Enter submits.

import { button, el, keycap } from "/page/dom.js";
import { t } from "/page/strings.js";

const CHOICES = [["left", "←"], ["tie", "T"], ["both_bad", "B"], ["right", "→"]];
const KEYS = { ArrowLeft: "left", 1: "left", ArrowRight: "right", 2: "right", t: "tie", b: "both_bad", s: "skip" };

export const pairwise = {
  empty: null,
  complete: (verdict) => verdict !== null,
  sent: (verdict) => verdict,
  undone: () => null,

  key(key, _verdict) {
    return KEYS[key] ?? undefined;
  },

  mark(reader, verdict) {
    ["left", "right"].forEach((side, i) => reader.panes[i].classList.toggle("chosen", verdict === side));
  },

  controls(verdict, choose) {
    return CHOICES.map(([choice, key]) => button(
      [el("span", { class: "long" }, t(`v_${choice}`)), el("span", { class: "short" }, t(`v_${choice}_short`)), keycap(key)],
      () => choose(choice),
      { class: "choice", "aria-pressed": String(verdict === choice), "data-choice": choice },
    ));
  },

  help: () => [["← / 1", t("v_left")], ["→ / 2", t("v_right")], ["T", t("v_tie")], ["B", t("v_both_bad")], ["S", t("v_skip")]],
};
