// Rating: five dimensions from 0 to 3, each with its written anchors beside the text.
// A verdict is dimension → score; number keys fill the next open dimension.

import { button, el } from "/page/dom.js";
import { t } from "/page/strings.js";

const open = (verdict) => rating.dimensions.find((d) => !(d in verdict));

export const rating = {
  empty: {},
  dimensions: [],
  complete: (verdict) => verdict === "skip" || !open(verdict),
  sent: (verdict) => verdict,

  undone(verdict) {
    if (verdict === "skip") return {};
    const last = Object.keys(verdict).at(-1);
    return Object.fromEntries(Object.entries(verdict).filter(([d]) => d !== last));
  },

  key(key, verdict) {
    if (key === "s") return "skip";
    if (!/^[0-3]$/.test(key)) return undefined;
    const scores = verdict === "skip" ? {} : verdict;
    const dimension = open(scores);
    return dimension ? { ...scores, [dimension]: Number(key) } : scores;
  },

  mark(reader, verdict, choose) {
    const scores = verdict === "skip" ? {} : verdict;
    const focused = document.activeElement?.getAttribute?.("data-score");
    const rubric = el("aside", { class: "rubric", "aria-label": t("protocol_rating") },
      el("p", { class: "hint" }, t("rating_hint")),
      ...rating.dimensions.map((d) => scale(d, scores, choose)));
    const old = reader.strip.querySelector(".rubric");
    const top = old?.scrollTop ?? 0;
    old?.remove();
    reader.strip.append(rubric);
    rubric.scrollTop = top;
    if (focused) rubric.querySelector(`[data-score="${focused}"]`)?.focus({ preventScroll: true });
  },

  controls(verdict) {
    const scores = verdict === "skip" ? {} : verdict;
    const all = rating.dimensions.map((d) => `${t("dimensions")[d][0]} ${scores[d] ?? "–"}`).join("　");
    const count = `${Object.keys(scores).length} / ${rating.dimensions.length}`;
    const down = () => document.querySelector(".rubric").scrollIntoView({ block: "start" });
    const jump = button(`${t("to_scores")} ${count} ↓`, down, { class: "short jump" }); // on a phone the scales lie below the text
    return [el("span", { class: "tally long", "aria-live": "polite" }, all), jump];
  },

  help: () => [["0 – 3", t("rating_hint")], ["S", t("v_skip")]],
};

function scale(dimension, scores, choose) {
  const [name, anchors] = t("dimensions")[dimension];
  const cells = anchors.map((anchor, score) => el("label", {},
    el("input", {
      type: "radio", name: dimension, value: score, checked: scores[dimension] === score,
      "data-score": `${dimension}-${score}`,
      onchange: () => choose({ ...scores, [dimension]: score }),
    }),
    el("b", {}, String(score)), anchor));
  return el("fieldset", { class: open(scores) === dimension ? "current" : null },
    el("legend", {}, name), el("div", { class: "scale" }, ...cells));
}
