// Writing for an article: attributes, prompt, reasoning, in the protocol's order, with the article beside.

import { api } from "/workbench/api.js";
import { Draft } from "/workbench/drafts.js";
import { changed, marked } from "/workbench/marks.js";
import { grow, tabs, turnTo } from "/workbench/sides.js";
import { said, t } from "/workbench/strings.js";
import { button, el, fill, find, notify, sheet } from "/page/dom.js";

const ATTRIBUTES = ["theme", "style", "structure", "culture"];
const DECISIONS = ["planning", "structure_style", "culture_context", "development", "revision"];

export class Annotating {
  constructor(view, { about, finished, again }) {
    Object.assign(this, { view, about, finished, again });
    this.draft = new Draft(view, (reply) => this.told(reply));
    this.content = this.draft.content;
    if (view.earlier && !Object.keys(this.content).length) this.content = structuredClone(view.earlier); // a refinement starts from what came back
    this.checks = view.checks;
    this.draw();
    if (this.draft.left) this.compare({ yours: this.draft.left, there: { number: view.number, content: view.content } });
  }

  value(path) {
    const [group, name] = path.split(".");
    return (name ? this.content[group]?.[name] : this.content[group]) ?? "";
  }

  set(path, value) {
    const [group, name] = path.split(".");
    const content = structuredClone(this.content);
    if (name) (content[group] ??= {})[name] = value;
    else content[group] = value;
    this.content = content;
    this.draft.change(content);
    this.status("typing");
    this.counts();
  }

  field(path, label, hint, rows) {
    const id = `f-${path.replace(".", "-")}`;
    const box = el("textarea", { id, rows, "data-field": path, "aria-describedby": `${id}-hint`, spellcheck: "false",
      oninput: () => { grow(box); this.set(path, box.value); } });
    box.value = this.value(path);
    requestAnimationFrame(() => grow(box));
    const before = this.earlier(path);
    return el("div", { class: "field" },
      el("label", { for: id }, label, el("span", { class: "count", "data-count": path })),
      el("p", { class: "hint", id: `${id}-hint` }, hint),
      before, box);
  }

  // The draft that was sent back, and what of it was changed since.
  earlier(path) {
    if (!this.view.earlier) return null;
    const [group, name] = path.split(".");
    const text = (name ? this.view.earlier[group]?.[name] : this.view.earlier[group]) ?? "";
    if (!text) return null;
    const shown = el("div", { class: "before", "data-before": path });
    const take = button(t("take_earlier"), () => { const box = find(`[data-field="${path}"]`); box.value = text; grow(box); this.set(path, text); }, { class: "plain" });
    return el("details", { open: true, class: "was", hidden: true }, el("summary", {}, t("earlier")), shown, take);
  }

  draw() {
    const { view } = this;
    const article = el("div", { class: "prose", id: "article", lang: "zh" });
    const form = el("form", { id: "form", class: "form", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.reasons(), this.aids(),
      el("h2", {}, t("step_attributes")), ...ATTRIBUTES.map((name) => this.field(`prompt_fields.${name}`, t("fields")[name][0], t("fields")[name][1], 2)),
      el("h2", {}, t("step_prompt")), this.field("prompt", t("prompt"), t("prompt_hint"), 5), el("div", { id: "copied", class: "copied", role: "status" }), el("p", { id: "near", class: "hint", role: "status" }),
      el("h2", {}, t("step_reasoning"), el("span", { class: "count", "data-count": "reasoning" })), ...DECISIONS.map((name) => this.field(`reasoning_fields.${name}`, t("fields")[name][0], t("fields")[name][1], 4)));
    const actions = el("footer", { class: "actions" },
      el("p", { id: "status", role: "status", "aria-live": "polite" }),
      button(t("more"), () => this.more(), { class: "plain", id: "more" }),
      button(t("hand_in"), () => this.submit(), { class: "primary", id: "submit" }));
    const title = el("header", { class: "head" }, el("h1", {}, view.title || t("untitled")), el("p", { class: "hint" }, view.genre_name, view.round > 1 ? ` · ${t("round", view.round)}` : ""));
    fill(find("#main"), tabs(), el("div", { class: "workspace", "data-side": "text" },
      el("section", { class: "text", tabindex: "0", "aria-label": t("tab_text") }, title, article),
      el("section", { class: "work", "aria-label": t("tab_form") }, form, actions)));
    this.refresh();
    this.status(view.number > 1 ? "saved" : "fresh");
  }

  reasons() {
    const { returned, feedback } = this.view;
    if (!feedback) return null;
    const items = returned.map(({ criterion, note, quotations }) => el("li", {}, el("b", {}, t("criteria")[criterion] ?? criterion), el("p", {}, note),
      ...quotations.map((quotation) => el("blockquote", {}, quotation))));
    return el("div", { class: "returned" }, el("h2", {}, t("returned")), items.length ? el("ul", {}, ...items) : el("p", {}, feedback));
  }

  aids() {
    const { aids, draft } = this.view;
    const parts = [];
    if (aids.usability) parts.push(el("p", {}, aids.usability.reason), ...(aids.usability.difficulties ?? []).map((d) => el("p", {}, `· ${d}`)));
    for (const name of ["article", "pair"]) if (aids[name]) parts.push(...marked(String(aids[name]), []));
    const ask = this.about.model ? [["usability", "ask_usability"], ["article", "ask_article"], ["pair", "ask_pair"], ["draft", "ask_draft"]].map(([what, name]) => button(t(name), () => this.assist(what), { "data-assist": what })) : [];
    const take = draft ? button(t("take_draft"), () => this.take(draft), { id: "take-draft" }) : null;
    const drafted = this.view.drafted ? el("p", { class: "hint", id: "drafted" }, t("drafted_mark")) : null;
    if (!parts.length && !ask.length && !take) return drafted;
    return el("div", {}, drafted, el("details", { class: "aids" }, el("summary", {}, t("aids")), ...parts, el("div", { class: "row", id: "assist" }, take, ...ask)));
  }

  async assist(what) {
    await this.draft.save();
    try {
      const { work, item, round } = this.view;
      const reply = await api.assist(what, { work, item, round });
      this.draft.base = Math.max(this.draft.base, reply.number);
      if (reply.draft) this.take(reply.draft);
      else fill(find("#assist"), ...find("#assist").childNodes, el("div", { class: "said" }, ...marked(reply.text ?? "", [])));
    } catch (error) {
      notify(error.message, { lasting: true, close: t("close") });
    }
  }

  take(draft) {
    if ((this.content.prompt ?? "").trim() && !confirm(t("replace_sure"))) return;
    this.content = structuredClone(draft);
    this.view.drafted = true;
    this.draft.change(this.content);
    this.draw();
    notify(t("drafted"));
  }

  counts() {
    for (const node of document.querySelectorAll("[data-count]")) {
      const whole = node.dataset.count === "reasoning";
      const text = whole ? DECISIONS.map((name) => this.value(`reasoning_fields.${name}`).trim()).filter(Boolean).join("\n\n") : this.value(node.dataset.count);
      const n = Array.from(text).length;
      const range = this.checks?.lengths[node.dataset.count];
      node.textContent = range ? t("count_range", n, range.min, range.max) : n ? t("count", n) : "";
      node.classList.toggle("out", Boolean(range && n && (n < range.min || n > range.max)));
    }
    for (const node of document.querySelectorAll("[data-before]")) {
      const [group, name] = node.dataset.before.split(".");
      const text = (name ? this.view.earlier[group]?.[name] : this.view.earlier[group]) ?? "";
      const now = this.value(node.dataset.before);
      const { removed } = changed(text, now);
      node.closest("details").hidden = text === now;
      fill(node, ...marked(text, [[...removed, { class: "gone" }]]));
    }
  }

  // Marks what was copied in both texts; the form keeps its focus and its cursor.
  refresh() {
    const { checks, view } = this;
    const runs = checks?.copied ?? [];
    fill(find("#article"), ...marked(view.article, runs.map(({ source_start, source_end }) => [source_start, source_end, {}])));
    fill(find("#copied"), runs.length ? el("p", { class: "warn" }, t("copied", runs[0].letters)) : null,
      ...(runs.length ? marked(this.value("prompt"), runs.map(({ start, end }) => [start, end, {}])) : []));
    const near = checks?.near;
    find("#near").textContent = near && near.share >= 0.1 ? t("near", near.query, Math.round(100 * near.share)) : "";
    find("#near").classList.toggle("warn", Boolean(near?.too_near));
    this.counts();
  }

  status(state, detail = "") {
    const node = find("#status");
    if (!node) return;
    const missing = state === "saved" && this.checks?.missing ? t("still", said(this.checks.missing)) : "";
    node.textContent = [t(`status_${state}`, detail), missing].filter(Boolean).join(" · ");
    node.dataset.state = state;
  }

  told(reply) {
    if (reply.failed) return this.status("failed", reply.failed.message);
    if (reply.outcome === "stale") return this.compare(reply);
    if (reply.checks) {
      this.checks = reply.checks;
      this.refresh();
    }
    if (reply.outcome === "removed") return this.removed();
    if (reply.outcome === "changed") this.textChanged(reply.now);
    this.status(this.draft.dirty ? "typing" : "saved", new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
  }

  compare({ yours, there }) {
    this.status("stale");
    const choose = async (content) => {
      this.draft.base = there.number;
      if (content !== yours && Object.keys(yours).length) { // it becomes an earlier version
        const reply = await this.draft.send("save", yours);
        if (reply.failed || reply.outcome === "stale") return;
      }
      this.content = content;
      this.draft.change(content);
      this.draft.left = null;
      find("#sheet").close();
      this.draw();
    };
    const side = (title, content, id) => el("div", {}, el("h3", {}, title), el("pre", {}, plain(content)), button(t("keep_this"), () => choose(content), { id }));
    sheet(t("two_versions"), t("close"), el("p", {}, t("two_versions_note")), el("div", { class: "both" }, side(t("this_device"), yours, "keep-mine"), side(t("other_device"), there.content, "keep-theirs")));
  }

  textChanged(now) {
    this.view = { ...this.view, article: now.article, seen: now.seen };
    this.draft.view = this.view;
    this.refresh();
    notify(t("text_changed"), { lasting: true, close: t("close") });
  }

  removed() {
    this.status("removed");
    sheet(t("removed"), t("close"), el("p", {}, t("removed_note")), el("pre", {}, plain(this.content)), button(t("go_on"), () => { find("#sheet").close(); this.again(); }, { class: "primary" }));
  }

  async submit() {
    if (this.sending) return;
    this.sending = true;
    const reply = await this.draft.send("submit");
    this.sending = false;
    if (reply.outcome === "incomplete") {
      notify(t("incomplete", said(reply.problem)), { lasting: true, close: t("close") });
      const name = reply.problem.match(/(prompt_fields|reasoning_fields)\.\w+/)?.[0] ?? "prompt";
      turnTo("form");
      find(`[data-field="${name}"]`)?.focus();
    }
    if (reply.outcome === "submitted") this.finished(t("handed_in"));
  }

  more() {
    const reason = el("textarea", { id: "reason", rows: 3, "aria-label": t("reason") });
    const act = async (what, content) => {
      if (!reason.value.trim()) return reason.focus();
      await this.draft.save();
      const reply = await this.draft.send(what, content(reason.value.trim()));
      if (reply.failed || reply.outcome === "stale") return;
      find("#sheet").close();
      if (what === "skip") this.finished(t("skipped"));
      else notify(t("flagged"));
    };
    sheet(t("more"), t("close"), el("label", { for: "reason" }, t("reason")), reason,
      el("div", { class: "row" }, button(t("skip"), () => act("skip", (text) => ({ reason: text })), { id: "skip" }), button(t("flag"), () => act("flag", (text) => ({ note: text })), { id: "flag" })),
      el("div", { class: "row" }, button(t("versions"), () => this.versions(), { id: "versions" })));
  }

  async versions() {
    const { work, item, round } = this.view;
    await this.draft.save();
    let versions;
    try {
      versions = (await api.versions(work, item, round)).slice(-30).reverse();
    } catch (error) {
      find("#sheet").close(); // it would cover the notice
      return notify(error.message, { lasting: true, close: t("close") });
    }
    const back = (content) => { this.content = content; this.draft.change(content); find("#sheet").close(); this.draw(); };
    sheet(t("versions"), t("close"), el("ul", { class: "votes" }, ...versions.map(({ number, created_at, content }) =>
      el("li", {}, el("div", {}, el("p", {}, content.prompt || "…"), el("small", {}, `${number} · ${new Date(created_at).toLocaleString()} · ${t("count", Array.from(plain(content)).length)}`)), button(t("restore"), () => back(content))))));
  }
}

function plain(content) {
  const lines = [content.prompt, ...Object.values(content.prompt_fields ?? {}), ...Object.values(content.reasoning_fields ?? {})];
  return lines.filter(Boolean).join("\n\n");
}
