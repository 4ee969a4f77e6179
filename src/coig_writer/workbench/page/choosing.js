// Questions with choices: an exercise of the training, or a benchmark query before the panel.

import { Draft } from "/workbench/drafts.js";
import { marked } from "/workbench/marks.js";
import { t } from "/workbench/strings.js";
import { button, el, fill, find, notify, sheet } from "/page/dom.js";

export class Choosing {
  constructor(view, { finished }) {
    Object.assign(this, { view, finished });
    this.draft = new Draft(view, (reply) => this.told(reply));
    this.content = { ...this.draft.content };
    this.draw();
  }

  set(changes) {
    this.content = { ...this.content, ...changes };
    this.draft.change(this.content);
  }

  draw() {
    const { view } = this;
    const choice = (group, [value, label]) => el("label", { class: "choice" }, el("input", { type: "radio", name: group.name, value, checked: this.content[group.name] === value, onchange: () => this.set({ [group.name]: value }) }), label);
    const note = el("textarea", { id: "note", rows: 3, "aria-label": t("note"), oninput: () => this.set({ note: note.value }) });
    note.value = this.content.note ?? "";
    fill(find("#main"), el("div", { class: "page" },
      el("p", { class: "hint", id: "kind" }, view.topic ? [t("exercise"), t("topics")[view.topic], t(view.counts ? "counts" : "practice")].join(" · ") : view.genre_name), el("div", { class: "prose", lang: "zh" }, ...marked(view.text, [])),
      el("form", { id: "form", class: "choosing", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
        ...view.groups.map((group) => el("fieldset", {}, el("legend", {}, group.label), ...group.choices.map((pair) => choice(group, pair)))),
        view.note ? el("label", { for: "note" }, t("note")) : null, view.note ? note : null,
        el("div", { class: "row" }, button(t("hand_in"), () => this.submit(), { class: "primary", id: "submit" }), el("p", { id: "status", class: "hint", role: "status" })))));
  }

  told(reply) {
    if (reply.failed) find("#status").textContent = t("status_failed", reply.failed.message);
    else if (reply.outcome === "stale") {
      this.draft.base = reply.there.number;
      this.content = { ...reply.there.content };
      this.draw();
      notify(t("two_verdicts_note"));
    } else find("#status").textContent = t("status_saved", "");
  }

  async submit() {
    const reply = await this.draft.send("submit");
    if (reply.outcome === "incomplete") return notify(t("incomplete", reply.problem), { lasting: true, close: t("close") });
    if (reply.outcome !== "submitted") return;
    if (!reply.told) return this.finished(t("handed_in"));
    const { right, gold, why } = reply.told;
    sheet(t(right ? "as_gold" : "not_as_gold"), t("close"), el("p", {}, t("gold_says", gold)), el("p", {}, why), button(t("go_on"), () => { find("#sheet").close(); this.finished(t("handed_in")); }, { class: "primary", id: "go-on" }));
  }
}
