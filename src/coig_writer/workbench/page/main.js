// The way through the workbench: consent, item after item, the end.

import { Annotating } from "/workbench/annotator.js";
import { api } from "/workbench/api.js";
import { Choosing } from "/workbench/choosing.js";
import { draftsAreOf, forgetDrafts } from "/workbench/drafts.js";
import { Reviewing } from "/workbench/reviewer.js";
import { turnTo } from "/workbench/sides.js";
import { t } from "/workbench/strings.js";
import { button, el, fill, find, notify, sheet } from "/page/dom.js";
import { applyPreferences, nextSize, nextTheme, prefer, preferences } from "/page/preferences.js";

const SCREENS = { exercise: Choosing, annotate: Annotating, review: Reviewing, panel: Choosing };
const state = { about: null, work: null, screen: null, progress: null };

function bar() {
  const tool = (label, title, onclick, name) => button(label, () => { onclick(); bar(); }, { class: "plain", title, "aria-label": title, "data-tool": name });
  const progress = state.progress && el("div", { class: "progress" }, el("span", { class: "count" }, t("progress", state.progress.done, state.progress.waiting)));
  const works = (state.about?.work ?? []).length > 1 ? state.about.work.map((work) => button(t(`work_${work}`), () => begin(work), { class: "plain", "aria-pressed": String(work === state.work), "data-work": work })) : [];
  fill(find("#bar"), el("a", { class: "brand", href: "/", "aria-label": t("title") }, el("img", { src: "/page/seal.svg", alt: "" }), el("span", {}, t("title"))), progress,
    el("div", { class: "tools" }, ...works,
      tool("A", t("size"), nextSize, "size"),
      tool({ auto: "◐", light: "○", dark: "●" }[preferences.theme], t("theme"), nextTheme, "theme"),
      state.about?.consented ? tool("☰", t("mine"), showMine, "mine") : null,
      tool(t("language_switch"), t("language_switch"), () => { prefer({ interface: preferences.interface === "zh" ? "en" : "zh" }); location.reload(); }, "language")));
  document.title = t("title");
  find(".skip-link").textContent = t("skip_to_form");
}

// On a narrow screen the form may be behind its tab, where nothing can be focused.
find(".skip-link").addEventListener("click", (event) => {
  event.preventDefault();
  if (find(".workspace")) turnTo("form");
  (find("#form input, #form textarea") ?? find("#main button"))?.focus();
});

function message(title, text, ...actions) {
  state.screen = null;
  fill(find("#main"), el("div", { class: "page start" }, el("h1", {}, title), el("p", { class: "lead" }, text), el("div", { class: "go" }, ...actions.filter(Boolean))));
}

const complain = (error) => notify(error.message, { lasting: true, close: t("close") });

function consent() {
  const agree = el("input", { type: "checkbox", id: "agree", onchange: () => { go.disabled = !agree.checked; } });
  const go = button(t("begin"), async () => {
    try {
      await api.consent();
      state.about.consented = true;
      await begin(state.about.work[0]);
    } catch (error) {
      complain(error);
    }
  }, { class: "primary", id: "begin", disabled: true });
  fill(find("#main"), el("div", { class: "page start" }, el("h1", {}, t("welcome", state.about.alias)), el("p", { class: "lead" }, t("lead")),
    el("h2", {}, t("consent_title")),
    el("div", { class: "consent" }, el("p", {}, state.about.consent[preferences.interface] || t("consent_text")), el("label", {}, agree, t("consent_agree"))),
    el("div", { class: "go" }, go)));
}

async function begin(work) {
  await state.screen?.draft?.save();
  state.work = work;
  try {
    const { item, progress, held_back } = await api.next(work);
    if (held_back) return heldBack();
    show(item, progress);
  } catch (error) {
    message(t("failed_title"), error.message, button(t("retry"), () => begin(work), { class: "primary", id: "retry" }));
  }
}

function show(item, progress) {
  state.progress = progress;
  if (item) {
    const finished = (told) => { notify(told); begin(state.work); };
    state.screen = new SCREENS[state.work](item, { about: state.about, finished, again: () => begin(state.work) });
    find("#main").focus({ preventScroll: true });
  } else if (state.work === "exercise") return begin("annotate"); // articles, or which topic keeps them back
  else message(t("done_title"), t("done_text"), button(t("look_again"), () => begin(state.work), { class: "primary", id: "again" }));
  bar();
}

// Articles come after the exercises.
async function heldBack() {
  state.about = await api.about();
  const failed = Object.entries(state.about.topics).filter(([, how]) => how === "failed").map(([topic]) => t("topics")[topic]);
  const open = Object.values(state.about.topics).includes("open");
  message(t("training_title"), failed.length ? t("training_failed", failed.join("、")) : t("training_text"),
    open ? button(t("work_exercise"), () => begin("exercise"), { class: "primary", id: "exercises" }) : null);
  bar();
}

const operatorLink = () => (state.about.operator ? el("a", { href: "/gradio", id: "operator" }, t("operator")) : null);
const signOut = () => (state.about.signed_in ? el("a", { href: "/logout", id: "sign-out" }, t("sign_out")) : null);

async function showMine() {
  let entries;
  try {
    entries = await api.mine(state.work);
  } catch (error) {
    return complain(error);
  }
  const open = async (entry) => {
    find("#sheet").close();
    try {
      const { item, progress } = await api.open(state.work, entry.item, entry.round);
      show(item, progress);
    } catch {
      notify(t("gone"));
    }
  };
  const rows = entries.reverse().map((entry) => el("li", {}, el("div", {}, el("p", {}, entry.item), el("small", {}, `${t(`state_${entry.state}`)} · ${t("minutes", Math.round(entry.seconds / 60))}`)),
    ["open", "submitted"].includes(entry.state) ? button(t("open"), () => open(entry)) : null));
  const leave = button(t("leave"), async () => {
    if (!confirm(t("leave_sure"))) return;
    try {
      await api.leave();
    } catch (error) {
      find("#sheet").close(); // it would cover the notice
      return complain(error);
    }
    forgetDrafts();
    location.reload();
  }, { class: "plain", id: "leave" });
  sheet(t("mine"), t("close"), rows.length ? el("ul", { class: "votes" }, ...rows) : el("p", {}, t("nothing_yet")), el("div", { class: "row" }, operatorLink(), signOut(), leave));
}

async function open() {
  const asked = new URLSearchParams(location.search);
  if (["zh", "en"].includes(asked.get("lang"))) preferences.interface = asked.get("lang");
  applyPreferences();
  try {
    state.about = await api.about();
    draftsAreOf(state.about.alias);
  } catch (error) {
    bar();
    return message(t("failed_title"), error.status ? error.message : t("offline"), button(t("retry"), open, { class: "primary", id: "retry" }));
  }
  bar();
  if (state.about.left) return message(t("left_title"), t("left_text"));
  if (!state.about.alias && state.about.signed_in) return message(t("unlisted_title"), t("unlisted"), signOut());
  if (!state.about.alias) return message(t("uninvited_title"), t("uninvited"), state.about.accounts ? el("a", { href: "/login/huggingface", id: "sign-in", target: "_blank", rel: "noopener" }, t("sign_in")) : null);
  if (!state.about.work.length) return message(t("welcome", state.about.alias), t("no_work"), operatorLink(), signOut());
  if (!state.about.consented) return consent();
  await begin(state.about.work.includes(asked.get("work")) ? asked.get("work") : state.about.work[0]);
}

addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") state.screen?.submit();
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    state.screen?.draft.save();
  }
  if (event.altKey && event.key === "m" && state.screen?.mark) {
    event.preventDefault();
    state.screen.mark();
  }
});
document.addEventListener("visibilitychange", () => { if (document.hidden) state.screen?.draft.save(); });
addEventListener("online", () => state.screen?.draft.save());
open();
