// The board: what the votes say, with counts and intervals; nothing before there are enough votes.

import { api } from "/page/api.js";
import { button, el, fill, find } from "/page/dom.js";
import { applyPreferences, preferences } from "/page/preferences.js";
import { failedScreen, topBar } from "/page/screens.js";
import { t } from "/page/strings.js";

const RULES = ["too_fast", "not_scrolled", "never_shown", "no_reading", "one_sided", "reported"];
const state = { study: null, protocol: null, language: null, kept: false, view: null };

const percent = (value) => `${(100 * value).toFixed(1)}%`;
const range = (rate, show) => `${show(rate.low)} – ${show(rate.high)}`;

function draw() {
  topBar({ progress: null, voting: false, redraw: draw });
  const { view } = state;
  fill(find("#main"), el("div", { class: "page results" },
    el("h1", {}, t("results_title")),
    el("p", { class: "lead" }, t("results_lead")),
    picker(),
    ...(view ? body(view) : [el("p", {}, t("loading"))]),
    el("p", { class: "note" }, el("a", { href: "/" }, t("back_to_voting")))));
}

function picker() {
  const group = (key, values, label) => el("div", { class: "group", role: "group" }, ...values.map((value) =>
    button(label(value), () => choose({ [key]: value }), { "aria-pressed": String(state[key] === value), [`data-${key}`]: value })));
  return el("div", { class: "pick" },
    group("protocol", state.study.protocols, (p) => t(`protocol_${p}`)),
    group("language", state.study.languages, (l) => t(`texts_${l}`)),
    state.view?.results ? group("kept", [false, true], (kept) => t(kept ? "kept_votes" : "all_votes")) : null);
}

function body(view) {
  if (state.study.mode !== "public") return [el("p", { class: "empty" }, t("results_invited"))];
  if (!view.ballots) return [el("p", { class: "empty" }, t("no_votes"))];
  if (!view.results) return [el("p", { class: "empty" }, t("results_wait", view.ballots, view.needed))];
  const summary = state.kept ? view.results.after_exclusions : view.results.everything;
  const strong = summary.standings.map((standing) => standing.model);
  const models = strong.length ? strong : view.models;
  return [facts(summary, view), exclusions(view.results.excluded), weight(view.results.weight), el("p", { class: "note" }, t("one_look")), ...summary.notes.map((note) => el("p", { class: "warn" }, note)),
    ...standings(summary), ...matrix(summary, models), ...scores(summary, models), ...slices(summary, models)];
}

function facts(s, view) {
  const said = [t("n_ballots", s.ballots), t("n_raters", s.raters), t("n_queries", s.queries), t("n_skips", s.skips), t("coverage", view.judged, view.items)];
  if (state.protocol === "pairwise") said.push(t("n_both_bad", s.both_bad));
  if (s.tie_rate) said.push(t("ties_share", percent(s.tie_rate.estimate), s.tie_rate.n));
  if (s.agreement) said.push(t("alpha", s.agreement.value.toFixed(2), s.agreement.low.toFixed(2), s.agreement.high.toFixed(2)));
  if (s.tau) said.push(t("tau", s.tau.estimate.toFixed(2), s.tau.low.toFixed(2), s.tau.high.toFixed(2)));
  if (s.consistency) said.push(t("consistency", percent(s.consistency.estimate), s.consistency.n));
  return el("ul", { class: "facts" }, ...said.map((text) => el("li", {}, text)));
}

function exclusions(counts) {
  const said = RULES.map((rule) => `${t(`rule_${rule}`)} ${counts[rule] ?? 0}`).join(" · ");
  return el("p", { class: "note" }, `${t("excluded_counts")}: ${said}`);
}

// What hangs on single raters; on whom is not said, so that nobody reads a text's author off the own vote.
function weight(of) {
  const said = [t("by_cookie", of.by_cookie, of.raters), t("most_flips", of.most_flips)];
  if (of.another_first) said.push(t("another_first", of.another_first));
  if (of.by_cookie && of.flips_by_cookie !== null) said.push(t("flips_by_cookie", of.flips_by_cookie));
  return el("p", { class: "note" }, said.join(" · "));
}

function standings({ standings: rows }) {
  if (!rows.length) return [];
  const bounds = rows.flatMap(({ strength }) => [strength.low, strength.high, strength.estimate]);
  const [low, high] = [Math.min(0, ...bounds), Math.max(0, ...bounds)];
  const x = (value) => `${2 + (96 * (value - low)) / (high - low || 1)}%`;
  const cells = rows.flatMap(({ model, strength, places }) => [
    el("span", { class: "name" }, model),
    el("span", { class: "where" }, t("places", ...places), " ", el("small", {}, `${strength.estimate.toFixed(2)} [${strength.low.toFixed(2)}, ${strength.high.toFixed(2)}]`)),
    plot(x, strength),
  ]);
  for (let i = 0; i < cells.length; i += 3) [cells[i + 1], cells[i + 2]] = [cells[i + 2], cells[i + 1]];
  const warnings = [rows.some((r) => r.prior) && t("prior_note"), rows[0].strength.clusters < 20 && t("few_note")];
  return [el("h2", {}, t("standings")), el("p", { class: "note" }, t("standings_note")),
    ...warnings.filter(Boolean).map((text) => el("p", { class: "warn" }, text)), el("div", { class: "forest" }, ...cells)];
}

function plot(x, { low, high, estimate }) {
  const shape = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    return node;
  };
  const svg = shape("svg", { role: "img", "aria-label": `${estimate.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]` });
  svg.append(
    shape("line", { class: "axis", x1: x(0), x2: x(0), y1: -4, y2: 30 }),
    shape("line", { class: "range", x1: x(low), x2: x(high), y1: 13, y2: 13 }),
    shape("circle", { cx: x(estimate), cy: 13, r: 5.5 }));
  return el("span", { class: "plot" }, svg);
}

function matrix({ matrix: cells }, models) {
  if (!cells.length) return [];
  const at = new Map(cells.map((cell) => [`${cell.row}\n${cell.column}`, cell]));
  const row = (a) => el("tr", {}, el("th", { scope: "row" }, a), ...models.map((b) => winCell(at.get(`${a}\n${b}`))));
  return [el("h2", {}, t("matrix")), el("p", { class: "note" }, t("matrix_note")), sideways(t("matrix"), el("table", {},
    el("thead", {}, el("tr", {}, el("td", { class: "self" }), ...models.map((m) => el("th", { scope: "col" }, m)))),
    el("tbody", {}, ...models.map(row))))];
}

// A table wider than a phone is read by keyboard too.
const sideways = (name, table) => el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": name }, table);

function winCell(cell) {
  if (!cell) return el("td", { class: "self", "aria-hidden": "true" });
  const n = cell.wins + cell.losses + cell.ties;
  if (!n) return el("td", {}, el("small", {}, t("not_met")));
  const lead = cell.rate.estimate - 0.5;
  const node = el("td", { class: lead >= 0 ? "win" : "loss" }, el("b", {}, percent(cell.rate.estimate)),
    el("small", {}, range(cell.rate, percent), el("br"), `n = ${n}`));
  node.style.setProperty("--lead", String(Math.round(90 * Math.abs(lead))));
  return node;
}

function scores({ scores: rows }, models) {
  if (!rows.length) return [];
  const dimensions = state.study.dimensions;
  const find_ = (m, d) => rows.find((r) => r.model === m && r.dimension === d);
  const cell = (score) => el("td", {}, score?.mean ? [el("b", {}, score.mean.estimate.toFixed(2)), el("small", {}, range(score.mean, (v) => v.toFixed(2)), el("br"), `n = ${score.n}`)]
    : el("small", {}, t("insufficient")));
  return [el("h2", {}, t("scores")), sideways(t("scores"), el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, t("model")), ...dimensions.map((d) => el("th", {}, t("dimensions")[d][0])))),
    el("tbody", {}, ...models.map((m) => el("tr", {}, el("th", { scope: "row" }, m), ...dimensions.map((d) => cell(find_(m, d))))))))];
}

function slices({ slices: rows }, models) {
  if (!rows.length) return [];
  const genres = [...new Set(rows.map((r) => r.genre))];
  const cell = (m, g) => {
    const rate = rows.find((r) => r.model === m && r.genre === g)?.pooled;
    if (!rate) return el("td", {}, el("small", {}, t("not_met")));
    return el("td", {}, rate.raw === null ? el("small", {}, t("insufficient"), el("br")) : el("b", {}, percent(rate.raw)),
      el("small", {}, `${percent(rate.value)} [${range(rate, percent)}]`, el("br"), `n = ${rate.n}`));
  };
  return [el("h2", {}, t("slices")), el("p", { class: "note" }, t("slices_note")), sideways(t("slices"), el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, t("model")), ...genres.map((g) => el("th", {}, g)))),
    el("tbody", {}, ...models.map((m) => el("tr", {}, el("th", { scope: "row" }, m), ...genres.map((g) => cell(m, g)))))))];
}

async function choose(changes) {
  const { protocol, language } = { ...state, ...changes };
  try {
    const view = "kept" in changes ? state.view : await api.results(protocol, language);
    Object.assign(state, changes, { protocol, language, view }); // together: numbers never stand under another name
  } catch (error) {
    return failed(error, () => choose(changes));
  }
  history.replaceState(null, "", `?protocol=${protocol}&texts=${language}`);
  draw();
}

function failed(error, again) {
  topBar({ progress: null, voting: false, redraw: again });
  failedScreen(error.status ? error.message : t("offline"), again);
}

async function open() {
  applyPreferences();
  try {
    state.study = await api.study();
  } catch (error) {
    return failed(error, open);
  }
  const asked = new URLSearchParams(location.search);
  const among = (value, values) => (values.includes(value) ? value : values[0]);
  if (["zh", "en"].includes(asked.get("lang"))) { preferences.interface = asked.get("lang"); applyPreferences(); }
  await choose({ protocol: among(asked.get("protocol"), state.study.protocols), language: among(asked.get("texts"), state.study.languages) });
}

open();
