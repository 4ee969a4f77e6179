// The way through a sitting: start, practice, item after item, end. Each protocol is a module of its own.

import { api } from "/page/api.js";
import { button, el, fill, find, hush, keycap, notify } from "/page/dom.js";
import { pairwise } from "/page/pairwise.js";
import { practiceItem } from "/page/practice.js";
import { applyPreferences, draft, forgetSent, keepDraft, keepSent, practised, preferences, rememberPractice, sentBefore } from "/page/preferences.js";
import { ranking } from "/page/ranking.js";
import { rating } from "/page/rating.js";
import { Reader } from "/page/reader.js";
import { doneScreen, failedScreen, showAuthors, showKeys, startScreen, topBar } from "/page/screens.js";
import { t } from "/page/strings.js";

const PROTOCOLS = { pairwise, ranking, rating };
const TAG_GROUPS = {
  narrative_logic: ["plot_holds", "structure_clear", "ending_earned", "off_task", "incoherent"],
  linguistic_expression: ["language_precise", "voice_distinct", "imagery_fresh", "cliched", "wrong_language"],
};
const USUAL_PER_SECOND = { zh: 7, en: 20 }; // characters, until the reader's own pace is known
const REST_AFTER_MINUTES = 20;
const ROOMY = matchMedia("(min-width: 761px) and (min-height: 521px)"); // on a smaller screen the reasons would cover the text
const KEEP_EVERY_MS = 5000; // a browser that is killed says no goodbye

const state = { study: null, chosen: {}, view: null, reader: null, said: null, phase: "start", paces: [], sending: false };
let rested = Date.now();

const protocol = () => PROTOCOLS[state.chosen.protocol];
const blank = () => ({ verdict: protocol().empty, tags: [], comment: "", reported: false });

// By the reader's own pace once two items are read; before that by the middle of usual reading speeds.
function minutesLeft() {
  const read = state.paces.length < 2 ? null : state.paces.reduce((sum, { characters, seconds }) => [sum[0] + characters, sum[1] + seconds], [0, 0]);
  const perSecond = read && read[1] > 0 ? read[0] / read[1] : USUAL_PER_SECOND[state.chosen.language];
  return Math.max(1, Math.round(state.view.progress.characters / perSecond / 60));
}

function redrawBar() {
  const voting = state.phase === "vote";
  topBar({ progress: voting ? state.view.progress : null, minutes: voting ? minutesLeft() : null, voting, redraw: redraw });
}

function redraw() {
  redrawBar();
  if (state.phase === "start") showStart();
  else if (state.phase === "done") showDone();
  else if (state.reader && state.language !== preferences.interface) openItem(state.view.item, kept());
  else drawVerdict();
  state.language = preferences.interface;
}

function showStart() {
  state.phase = "start";
  find("#verdict").hidden = true;
  startScreen(state.study, state.chosen, begin);
}

function showDone() {
  state.phase = "done";
  state.reader = null;
  redrawBar();
  const elsewhere = () => { state.phase = "start"; redraw(); };
  doneScreen(state.study, state.view, { again: another, elsewhere, authors: () => showAuthors(state.chosen) });
}

async function begin() {
  const { protocol: name, language } = state.chosen;
  history.replaceState(null, "", `?protocol=${name}&texts=${language}`);
  fill(find("#main"), el("div", { class: "page" }, el("p", {}, t("loading"))));
  try {
    state.real = await api.session(name, language);
  } catch (error) {
    announce(error.status ? error.message : t("offline"));
    return showStart();
  }
  if (practised(name)) return show(state.real);
  return show({ ...state.real, practice: true, item: practiceItem(name, language) });
}

async function another() {
  await begin();
  if (state.phase === "done") announce(t("nothing_left"));
}

function show(view) {
  state.view = view;
  if (!view.item) return showDone();
  const lost = sentBefore(view.item.id);
  return lost ? sendAgain(lost) : openItem(view.item);
}

// An item that already had this rater's vote is open again: the vote was lost, and is given again.
async function sendAgain(vote) {
  try {
    const receipt = await api.vote(vote);
    keepSent(vote);
    notify(t("resent"));
    show(receipt.next);
  } catch (error) {
    const later = !error.status || [429, 503].includes(error.status); // the copy stays for the next time
    if (!later) forgetSent(vote.item);
    openItem(state.view.item);
  }
}

function announce(text) {
  notify(text, { lasting: true, close: t("close") });
}

function openItem(item, before = draft(item.id)) {
  const { reading, shown, ...said } = before ?? blank();
  state.phase = "vote";
  state.said = { ...blank(), ...said };
  state.shown = shown ?? item.shown; // when the server first showed it; it comes back with the vote
  ranking.count = item.answers.length;
  ranking.ties = state.study.ties;
  ranking.tying = false;
  rating.dimensions = state.study.dimensions;
  state.reader?.leave();
  state.reader = new Reader(item, state.chosen.protocol, reading);
  state.language = preferences.interface;
  const banner = state.view.practice ? el("p", { class: "banner" }, t("practice_note")) : null;
  fill(find("#main"), banner, ...state.reader.nodes);
  redrawBar();
  drawVerdict();
  state.reader.settle();
  if (!find("#bar").contains(document.activeElement)) find("#main").focus({ preventScroll: true });
}

function choose(verdict) {
  if (state.phase !== "vote") return;
  if (state.sending) return drawVerdict(); // what is on its way stays what it was
  state.said.verdict = verdict;
  remember();
  drawVerdict();
}

function remember() {
  if (state.phase !== "vote" || state.view.practice) return;
  keepDraft(state.view.item.id, kept());
}

const kept = () => ({ ...state.said, shown: state.shown, reading: state.reader.kept() });

function drawVerdict() {
  const bar = find("#verdict");
  bar.hidden = false;
  const { verdict } = state.said;
  const complete = protocol().complete(verdict);
  protocol().mark(state.reader, verdict, choose);
  const send = button([t("submit"), keycap("⏎")], submit, { class: "primary send", id: "submit", disabled: !complete || state.sending });
  const undo = button(t("undo"), undoLast, { class: "plain", id: "undo", disabled: !begun(verdict) });
  const skip = button([el("span", { class: "long" }, t("v_skip")), el("span", { class: "short" }, t("v_skip_short"))], () => choose("skip"), { class: "plain", id: "skip", "aria-pressed": String(verdict === "skip") });
  const keys = button("⌨", () => showKeys(protocol()), { class: "plain keys", "aria-label": t("keys"), title: t("keys") });
  const controls = el("div", { class: "controls" }, ...protocol().controls(verdict, choose).filter(Boolean));
  const row = el("div", { class: "row" }, el("div", { class: "aside" }, undo, skip), controls, el("div", { class: "aside" }, keys, send));
  fill(bar, complete && why(), row);
}

const begun = (verdict) => verdict !== null && (typeof verdict === "string" || Object.keys(verdict).length > 0);

function why() {
  const group = ([name, tags]) => el("div", { class: "tags", role: "group", "aria-label": t(name) }, el("span", { class: "of" }, t(name)), ...tags.map(tag));
  const comment = el("textarea", { id: "comment", rows: "1", maxlength: "2000", readonly: state.sending, placeholder: t("comment"), "aria-label": t("comment"),
    oninput: () => { state.said.comment = comment.value; remember(); } });
  comment.value = state.said.comment;
  const report = el("input", { type: "checkbox", checked: state.said.reported, disabled: state.sending, onchange: () => { state.said.reported = report.checked; remember(); } });
  return el("details", { class: "why", open: state.why ?? ROOMY.matches },
    el("summary", { onclick: ({ target }) => { state.why = !target.parentNode.open; } }, t("why")),
    ...(state.chosen.protocol === "pairwise" ? Object.entries(TAG_GROUPS).map(group) : []),
    el("div", { class: "more" }, comment, el("label", {}, report, t("report"))));
}

// A tag says which text it is about.
function tag(name) {
  const about = state.reader.names.map((text, i) => {
    const said = `${name}@${i}`;
    const node = button(t("sides")[i], () => {
      if (state.sending) return;
      const on = !state.said.tags.includes(said);
      state.said.tags = on ? [...state.said.tags, said] : state.said.tags.filter((other) => other !== said);
      node.setAttribute("aria-pressed", String(on));
      remember();
    }, { "aria-pressed": String(state.said.tags.includes(said)), "data-tag": said, "aria-label": `${t(`t_${name}`)}: ${text}` });
    return node;
  });
  return el("span", { class: "tag" }, t(`t_${name}`), ...about);
}

function undoLast() {
  if (begun(state.said.verdict)) choose(protocol().undone(state.said.verdict));
}

async function submit() {
  if (state.sending || state.phase !== "vote" || !protocol().complete(state.said.verdict)) return;
  hush();
  if (state.view.practice) return endPractice();
  state.sending = true;
  drawVerdict();
  const vote = spoken();
  try {
    const receipt = await api.vote(vote);
    keepSent(vote);
    accepted(receipt);
  } catch (error) {
    refused(error);
  }
}

function spoken() {
  const { verdict, tags, comment, reported } = state.said;
  return {
    ...state.chosen, item: state.view.item.id, shown: state.shown, verdict: protocol().sent(verdict), tags, comment: comment || null, reported,
    dwell_s: state.reader.dwell(), depths: state.reader.depths, interface_language: preferences.interface,
  };
}

function accepted(receipt) {
  state.sending = false;
  state.paces.push({ characters: state.view.item.answers.join("").length, seconds: state.reader.dwell() });
  keepDraft(state.view.item.id, null);
  notify(t("saved"));
  show(receipt.next);
  offerRest();
}

function refused(error) {
  state.sending = false;
  if (error.status === 409) {
    notify(t("already"));
    keepDraft(state.view.item.id, null);
    return begin();
  }
  announce(error.status ? t("failed", error.message) : t("offline"));
  drawVerdict();
}

function endPractice() {
  rememberPractice(state.chosen.protocol);
  notify(t("practice_done"));
  show(state.real);
}

function offerRest() {
  if (Date.now() - rested < REST_AFTER_MINUTES * 60_000) return;
  rested = Date.now();
  announce(t("rest"));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#sheet").open) return;
  if (state.phase !== "vote" || event.target.matches("textarea, input[type=text]")) {
    if (event.key === "Escape") find("#main").focus();
    return;
  }
  if (handled(event)) event.preventDefault();
}

function handled(event) {
  const onButton = event.target.matches("button, a, summary") && ["Enter", " "].includes(event.key);
  if (onButton) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const command = { Enter: submit, Backspace: undoLast, z: undoLast, "?": () => showKeys(protocol()), c: toComment }[key];
  if (command) return command(), true;
  if (key === "ArrowUp" || key === "ArrowDown") return !event.target.matches(".scroller, input") && (state.reader.scrollBy(key === "ArrowUp" ? -2 : 2), true);
  if (event.target.matches("input[type=radio]") && key.startsWith("Arrow")) return false;
  const verdict = protocol().key(key, state.said.verdict, state.reader);
  if (verdict !== undefined) choose(verdict);
  return verdict !== undefined;
}

function toComment() {
  const reasons = find(".why");
  if (reasons) reasons.open = state.why = true;
  find("#comment")?.focus();
}

async function open() {
  const asked = new URLSearchParams(location.search);
  const language = asked.get("lang");
  if (language === "zh" || language === "en") preferences.interface = language;
  applyPreferences();
  try {
    state.study = await api.study();
  } catch (error) {
    return failed(error.status ? error.message : t("offline"), open);
  }
  if (asked.has("invite")) return failed(t("uninvited")); // a good invitation never stays in the address
  const among = (value, values, otherwise) => (values.includes(value) ? value : otherwise);
  state.chosen = {
    protocol: among(asked.get("protocol"), state.study.protocols, state.study.protocols[0]),
    language: among(asked.get("texts") ?? preferences.interface, state.study.languages, state.study.languages[0]),
  };
  redraw();
}

function failed(why, again) {
  find("#verdict").hidden = true;
  topBar({ progress: null, voting: false, redraw: () => failed(why, again) });
  failedScreen(why, again);
}

addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  state.reader?.pause(document.hidden);
  if (document.hidden) remember();
});
addEventListener("pagehide", remember);
ROOMY.addEventListener("change", () => { // zoomed, or turned
  state.why = undefined;
  const reasons = find(".why");
  if (reasons && !reasons.contains(document.activeElement)) reasons.open = ROOMY.matches;
});
setInterval(() => { if (!document.hidden) remember(); }, KEEP_EVERY_MS);
open();
