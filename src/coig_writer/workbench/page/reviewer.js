// Judging a draft: blind to who wrote it and to what others said.

import { Draft } from "/workbench/drafts.js";
import { marked, selected } from "/workbench/marks.js";
import { tabs, turnTo } from "/workbench/sides.js";
import { said, t } from "/workbench/strings.js";
import { button, el, fill, find, notify, sheet } from "/page/dom.js";

const PARTS = ["prompt", "reasoning", "article"];
const VERDICTS = ["accept", "refine", "remove"];

export class Reviewing {
  constructor(view, { about, finished, again }) {
    Object.assign(this, { view, about, finished, again });
    this.draft = new Draft(view, (reply) => this.told(reply));
    this.content = { criteria: {}, note: "", spans: [], ...this.draft.content };
    this.draw();
  }

  set(changes) {
    this.content = { ...this.content, ...changes };
    this.draft.change(this.content);
    this.status("typing");
  }

  draw() {
    const { view } = this;
    const texts = PARTS.map((part) => el("section", { class: "part" }, el("h2", {}, t(`part_${part}`)), el("div", { class: "prose", lang: "zh", "data-part": part, tabindex: "0" })));
    const genre = el("h1", { class: "hint" }, [t("work_review"), view.genre_name].filter(Boolean).join(" · "));
    const mark = button(t("mark"), () => this.mark(), { id: "mark" });
    fill(find("#main"), tabs(), el("div", { class: "workspace", "data-side": "text" },
      el("section", { class: "text", "aria-label": t("tab_text") }, el("div", { class: "tool" }, mark, el("span", { class: "hint" }, t("mark_hint"))), genre, ...texts),
      el("section", { class: "work", "aria-label": t("tab_form") }, this.form(),
        el("footer", { class: "actions" }, el("p", { id: "status", role: "status", "aria-live": "polite" }), button(t("more"), () => this.more(), { class: "plain", id: "more" }), button(t("hand_in"), () => this.submit(), { class: "primary", id: "submit" })))));
    this.marks();
    this.status(view.number > 1 ? "saved" : "fresh");
  }

  form() {
    const radio = (name, value, label, checked, onchange) => {
      const node = el("input", { type: "radio", name, value, checked, onchange });
      return el("label", {}, node, label);
    };
    const criterion = (name) => el("fieldset", { class: "criterion" }, el("legend", {}, t("review_criteria")[name][0]), el("p", { class: "hint" }, t("review_criteria")[name][1]),
      ...[true, false].map((met) => radio(`c-${name}`, String(met), t(met ? "met" : "unmet"), this.content.criteria[name] === met, () => this.set({ criteria: { ...this.content.criteria, [name]: met } }))));
    const note = el("textarea", { id: "note", rows: 4, oninput: () => this.set({ note: note.value }) });
    note.value = this.content.note;
    const cause = el("fieldset", { id: "cause", hidden: this.content.verdict !== "remove" }, el("legend", {}, t("cause")),
      ...this.about.causes.map((name) => radio("cause", name, t("causes")[name], this.content.cause === name, () => this.set({ cause: name }))));
    return el("form", { id: "form", class: "form", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      ...this.about.criteria.map(criterion),
      el("fieldset", { class: "verdicts" }, el("legend", {}, t("verdict")), ...VERDICTS.map((name) => radio("verdict", name, t(`verdict_${name}`), this.content.verdict === name, () => { this.set({ verdict: name }); find("#cause").hidden = name !== "remove"; }))),
      cause, el("label", { for: "note" }, t("note")), el("p", { class: "hint" }, t("note_hint")), note, el("ul", { class: "spans", id: "spans" }));
  }

  marks() {
    for (const part of PARTS) {
      const spans = this.content.spans.filter((span) => span.part === part);
      fill(find(`[data-part="${part}"]`), ...marked(this.view[part] ?? "", spans.map(({ start, end }) => [start, end, {}])));
    }
    fill(find("#spans"), ...this.content.spans.map((span, i) => el("li", {}, el("q", {}, span.quotation),
      button("×", () => { this.set({ spans: this.content.spans.filter((_, j) => j !== i) }); this.marks(); }, { class: "plain", "aria-label": t("unmark") }))));
  }

  mark() {
    for (const part of PARTS) {
      const place = selected(find(`[data-part="${part}"]`), this.view[part] ?? "");
      if (!place) continue;
      const [start, end] = place;
      getSelection().removeAllRanges();
      return this.add(part, start, Array.from(this.view[part]).slice(start, end).join(""));
    }
    this.markTyped();
  }

  add(part, start, quotation) {
    this.set({ spans: [...this.content.spans, { part, start, end: start + Array.from(quotation).length, quotation }] });
    this.marks();
  }

  // Text that cannot be edited cannot be selected with the keyboard alone: there a passage is typed or pasted.
  markTyped() {
    const passage = el("textarea", { id: "passage", rows: 2 });
    const missing = el("p", { class: "warn", role: "alert" });
    const mark = () => {
      const typed = passage.value.trim();
      const part = typed && PARTS.find((name) => (this.view[name] ?? "").includes(typed));
      if (!part) {
        missing.textContent = t("mark_missing");
        return passage.focus();
      }
      find("#sheet").close();
      const text = this.view[part];
      this.add(part, Array.from(text.slice(0, text.indexOf(typed))).length, typed);
    };
    sheet(t("mark"), t("close"), el("label", { for: "passage" }, t("mark_typed")), passage, missing, button(t("mark"), mark, { class: "primary", id: "mark-typed" }));
    passage.focus();
  }

  status(state, detail = "") {
    const node = find("#status");
    if (!node) return;
    node.textContent = t(`status_${state}`, detail);
    node.dataset.state = state;
  }

  told(reply) {
    if (reply.failed) return this.status("failed", reply.failed.message);
    if (reply.outcome === "stale") {
      this.draft.base = reply.there.number;
      this.content = { criteria: {}, note: "", spans: [], ...reply.there.content };
      this.draw();
      const words = reply.yours.note ?? "";
      return sheet(t("two_versions"), t("close"), el("p", {}, t("two_verdicts_note")), el("h3", {}, t("this_device")), el("pre", {}, `${t(`verdict_${reply.yours.verdict}`) ?? ""}\n${words}`),
        button(t("keep_this"), () => { this.set(reply.yours); find("#sheet").close(); this.draw(); }, { id: "keep-mine" }));
    }
    if (reply.outcome === "changed") {
      this.view = { ...this.view, ...reply.now, number: reply.number };
      this.draft.view = this.view;
      this.set({ spans: [] });
      this.marks();
      return notify(t("text_changed"), { lasting: true, close: t("close") });
    }
    if (reply.outcome === "removed") {
      notify(t("removed_note"), { lasting: true, close: t("close") });
      return this.again();
    }
    this.status(this.draft.dirty ? "typing" : "saved", new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
  }

  // Says what is missing, and puts the focus there.
  ask(name, words) {
    notify(words);
    turnTo("form");
    find(`#form [name="${name}"]`).focus();
  }

  async submit() {
    if (this.sending) return;
    const open = this.about.criteria.find((name) => this.content.criteria[name] === undefined);
    if (!this.content.verdict) return this.ask("verdict", t("no_verdict"));
    if (open) return this.ask(`c-${open}`, t("no_criteria"));
    this.sending = true;
    const { cause, ...rest } = this.content;
    this.content = this.content.verdict === "remove" && cause ? { ...rest, cause } : rest;
    this.draft.content = this.content;
    const reply = await this.draft.send("submit");
    this.sending = false;
    if (reply.outcome === "incomplete") return notify(t("incomplete", said(reply.problem)), { lasting: true, close: t("close") });
    if (reply.outcome !== "submitted") return;
    if (reply.feedback) {
      const { yours, gold, why } = reply.feedback;
      return sheet(t(yours === gold ? "as_gold" : "not_as_gold"), t("close"), el("p", {}, t("gold_says", t(`verdict_${gold}`))), el("p", {}, why), button(t("go_on"), () => { find("#sheet").close(); this.finished(t("handed_in")); }, { class: "primary", id: "go-on" }));
    }
    this.finished(t("handed_in"));
  }

  more() {
    const reason = el("textarea", { id: "reason", rows: 3, "aria-label": t("reason") });
    const act = async (what, content) => {
      if (!reason.value.trim()) return reason.focus();
      await this.draft.save();
      const reply = await this.draft.send(what, content);
      if (reply.failed || reply.outcome === "stale") return;
      find("#sheet").close();
      if (what === "skip") this.finished(t("skipped"));
      else notify(t("flagged"));
    };
    sheet(t("more"), t("close"), el("label", { for: "reason" }, t("reason")), reason,
      el("div", { class: "row" }, button(t("skip"), () => act("skip", { reason: reason.value.trim() }), { id: "skip" }), button(t("flag"), () => act("flag", { note: reason.value.trim() }), { id: "flag" })));
  }
}
