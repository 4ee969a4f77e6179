// The screens around voting: start, end of a set, history, keys, and the bar on top.

import { api } from "/page/api.js";
import { button, el, fill, find, notify, sheet } from "/page/dom.js";
import { nextSize, nextTheme, prefer, preferences } from "/page/preferences.js";
import { t } from "/page/strings.js";

export function topBar({ progress, minutes, redraw, voting }) {
  const tool = (label, title, onclick, extra = {}) =>
    button(label, () => { onclick(); redraw(); }, { class: "plain", title, "aria-label": title, ...extra });
  const linked = preferences.linked;
  const tools = [
    tool("A", t("size"), nextSize, { "data-tool": "size" }),
    tool({ auto: "◐", light: "○", dark: "●" }[preferences.theme], t(`theme_${preferences.theme}`), nextTheme, { "data-tool": "theme" }),
    voting && tool("⇅", t(linked ? "linked_on" : "linked_off"), () => prefer({ linked: !linked }), { class: "plain wide", "aria-pressed": String(linked), "data-tool": "linked" }),
    voting && button([el("span", { class: "wide" }, t("history")), el("span", { class: "narrow", "aria-hidden": "true" }, "☰")], showHistory, { class: "plain", "aria-label": t("history"), "data-tool": "history" }),
    tool(t("language_switch"), t("language_switch"), () => prefer({ interface: preferences.interface === "zh" ? "en" : "zh" }), { "data-tool": "language" }),
  ];
  const brand = el("a", { class: "brand", href: "/", "aria-label": t("title") }, el("img", { src: "/page/seal.svg", alt: "" }), el("span", {}, t("title")));
  fill(find("#bar"), brand, progress && progressBar(progress, minutes), el("div", { class: "tools" }, ...tools.filter(Boolean)));
  find(".skip-link").textContent = t("skip_to_texts");
  document.title = t("title");
}

function progressBar({ done, total }, minutes) {
  const share = el("i");
  share.style.width = `${(100 * done) / Math.max(1, total)}%`;
  return el("div", { class: "progress", role: "group", "aria-label": t("progress_label", done, total) },
    el("span", { class: "track", "aria-hidden": "true" }, share),
    el("span", { class: "count" }, t("progress", done, total)),
    minutes ? el("span", { class: "eta" }, t("time_left", minutes)) : null);
}

export function startScreen(study, chosen, begin) {
  const agree = el("input", { type: "checkbox", id: "agree", onchange: () => { go.disabled = closed || !agree.checked; } });
  const closed = study.sign_in && !study.signed_in;
  const go = button(t("begin"), () => begin(), { class: "primary", id: "begin", disabled: true });
  const consent = study.consent[preferences.interface] || t("consent_text");
  fill(find("#main"), el("div", { class: "page start" },
    el("h1", {}, t("tagline")),
    el("p", { class: "lead" }, t("lead")),
    ...choices("protocol", t("choose_protocol"), study.protocols, chosen, (p) => [el("b", {}, t(`protocol_${p}`)), el("small", {}, t(`protocol_${p}_hint`))]),
    ...(study.languages.length > 1 ? choices("language", t("choose_texts"), study.languages, chosen, (l) => [el("b", {}, t(`texts_${l}`))]) : []),
    el("h2", {}, t("consent_title")),
    el("div", { class: "consent" }, el("p", {}, consent), el("label", {}, agree, t("consent_agree"))),
    el("div", { class: "go" }, go, study.mode === "public" ? el("a", { href: "/results" }, t("results")) : null,
      study.accounts && !study.signed_in ? el("a", { href: "/login/huggingface", target: "_blank", rel: "noopener" }, t(closed ? "sign_in_needed" : "sign_in")) : null,
      study.signed_in ? el("a", { href: "/logout" }, t("sign_out")) : null)));
}

function choices(name, title, values, chosen, label) {
  const option = (value) => el("label", {},
    el("input", { type: "radio", name, value, checked: chosen[name] === value, onchange: () => { chosen[name] = value; } }),
    ...label(value));
  return [el("h2", { id: `choose-${name}` }, title), el("fieldset", { class: "choices", "aria-labelledby": `choose-${name}` }, ...values.map(option))];
}

// What stands where the study could not be opened: why, and the way on.
export function failedScreen(why, again) {
  fill(find("#main"), el("div", { class: "page start", role: "alert" },
    el("h1", {}, t("failed_title")),
    el("p", { class: "lead" }, why),
    el("div", { class: "go" }, again && button(t("retry"), again, { class: "primary", id: "retry" }))));
}

export function doneScreen(study, view, { again, elsewhere, authors }) {
  find("#verdict").hidden = true;
  const open = study.mode === "public";
  fill(find("#main"), el("div", { class: "page start" },
    el("h1", {}, t("done_title")),
    el("p", { class: "lead" }, t("done_text")),
    el("div", { class: "go" },
      open ? button(t("another"), again, { class: "primary", id: "another" }) : null,
      study.protocols.length > 1 ? button(t("another_protocol"), elsewhere) : null,
      button(t("history"), showHistory),
      open ? el("a", { href: "/results" }, t("results")) : null),
    open && view.progress.done ? el("p", { class: "note" }, button(t("authors"), authors, { id: "authors" }), " ", t("authors_note")) : null));
}

// Who wrote what, once the sitting is over; these texts do not come back to this rater.
export async function showAuthors({ protocol, language }) {
  try {
    const items = await api.authors(protocol, language);
    sheet(t("authors"), t("close"), el("ul", { class: "votes" }, ...items.map(authorsOf)));
  } catch (error) {
    notify(error.message);
  }
}

function authorsOf({ prompt, openings, models }) {
  const line = (name, i) => el("small", {}, `${openings[i]}… `, el("b", { class: "author" }, t("wrote", name)));
  return el("li", {}, el("div", {}, el("p", {}, prompt), ...models.map(line)));
}

export function showKeys(protocol) {
  const rows = [...protocol.help(), ["Enter", t("submit")], ["Backspace / Z", t("undo")], ["↑ ↓", t("key_scroll")], ["C", t("comment")]];
  sheet(t("keys_title"), t("close"), el("dl", {}, ...rows.flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])));
}

export async function showHistory() {
  try {
    const votes = await api.history();
    const list = el("ul", { class: "votes" }, ...votes.map(pastVote));
    sheet(t("history"), t("close"), votes.length ? list : el("p", {}, t("history_empty")));
  } catch (error) {
    notify(error.message);
  }
}

function pastVote(vote) {
  const when = new Date(vote.created_at).toLocaleString(preferences.interface === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });
  const action = vote.withdrawn
    ? el("small", {}, t("withdrawn"))
    : button(t("withdraw"), () => withdraw(vote.id), { "data-withdraw": vote.id });
  return el("li", {}, el("div", {}, el("p", {}, vote.prompt), el("small", {}, `${when} · ${verdictText(vote)}`)), action);
}

function verdictText({ protocol, verdict }) {
  if (typeof verdict === "string") return t(`v_${verdict}`);
  if (protocol === "ranking") return verdict.map((place) => place.map((p) => p + 1).join(" = ")).join(" > ");
  return Object.entries(verdict).map(([d, score]) => `${t("dimensions")[d][0]} ${score}`).join(", ");
}

async function withdraw(ballot) {
  if (!confirm(t("withdraw_sure"))) return;
  try {
    await api.withdraw(ballot);
    await showHistory();
  } catch (error) {
    notify(error.message);
  }
}
