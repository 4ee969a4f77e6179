// Ranking: number keys, taps or drags put the answers in order; the last place fills itself.
// A verdict is a list of places, best first; each place is a list of positions.

import { button, el, fill } from "/page/dom.js";
import { t } from "/page/strings.js";

const placed = (verdict) => verdict.flat();

function added(verdict, position, count, tied) {
  if (position >= count || placed(verdict).includes(position)) return verdict;
  const next = tied && verdict.length
    ? [...verdict.slice(0, -1), [...verdict.at(-1), position]]
    : [...verdict, [position]];
  const open = [...Array(count).keys()].filter((p) => !placed(next).includes(p));
  return open.length === 1 && !tied && !ranking.ties ? [...next, open] : next;
}

function without(verdict, position) {
  return verdict.map((place) => place.filter((p) => p !== position)).filter((place) => place.length);
}

function moved(verdict, position, place) {
  const rest = without(verdict, position);
  return [...rest.slice(0, place), [position], ...rest.slice(place)];
}

export const ranking = {
  empty: [],
  ties: false,
  tying: false,
  count: 0,
  complete: (verdict) => verdict === "skip" || placed(verdict).length === ranking.count,
  sent: (verdict) => verdict,

  undone(verdict) {
    if (verdict === "skip") return [];
    const last = verdict.at(-1) ?? [];
    const filled = verdict.length === ranking.count && !ranking.ties; // the last place came by itself
    if (last.length > 1) return [...verdict.slice(0, -1), last.slice(0, -1)];
    return verdict.slice(0, filled ? -2 : -1);
  },

  key(key, verdict, reader) {
    if (key === "s") return "skip";
    if (key === "=" && ranking.ties) { ranking.tying = !ranking.tying; return verdict; }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const step = key === "ArrowLeft" ? -1 : 1;
      reader.turnTo(Math.max(0, Math.min(ranking.count - 1, reader.current() + step)));
      return verdict;
    }
    if (!/^[1-9]$/.test(key)) return undefined;
    return ranking.put(verdict === "skip" ? [] : verdict, Number(key) - 1);
  },

  put(verdict, position) {
    const next = added(verdict, position, ranking.count, ranking.tying);
    ranking.tying = false;
    return next;
  },

  mark(reader, verdict, choose) {
    reader.panes.forEach((pane, i) => {
      const place = verdict === "skip" ? -1 : verdict.findIndex((group) => group.includes(i));
      pane.classList.toggle("chosen", place === 0);
      const label = place >= 0
        ? [t("ranked_at", place + 1)]
        : [button(t("put_next"), () => choose(ranking.put(verdict === "skip" ? [] : verdict, i)), { "data-put": i + 1 })];
      fill(pane.querySelector("header .place"), label);
    });
  },

  controls(verdict, choose) {
    const order = verdict === "skip" ? [] : verdict;
    const slots = [...Array(ranking.count).keys()].map((n) => slot(n, order, choose));
    const tie = ranking.ties && button(["=", t("rank_tie")], () => {
      ranking.tying = !ranking.tying;
      choose(verdict);
    }, { "aria-pressed": String(ranking.tying), class: "choice" });
    return [el("ol", { class: "tray", "aria-label": t("your_order") }, ...slots), tie || null];
  },

  help: () => [[t("key_numbers", ranking.count), t("rank_hint")], ["← →", t("key_turn")], ...(ranking.ties ? [["=", t("ties_hint")]] : []), ["S", t("v_skip")]],
};

function slot(n, order, choose) {
  const chips = (order[n] ?? []).map((position) => chip(position, n, order, choose));
  return el("li", {}, el("div", { class: "slot", "data-slot": n }, ...chips), el("small", {}, t("rank_place", n + 1, ranking.count)));
}

function chip(position, place, order, choose) {
  const label = `${t("answer", position + 1)}, ${t("ranked_at", place + 1)}. ${t("take_out")}`;
  const node = button(String(position + 1), () => {
    if (!node.dragged) choose(without(order, position));
  }, { class: "chip", "aria-label": label, "data-chip": position + 1 });
  node.addEventListener("pointerdown", (event) => drag(event, node, (target) => choose(moved(order, position, target))));
  return node;
}

// Pointer events serve mouse, pen and finger alike; a press without movement stays a click.
function drag(start, node, drop) {
  const slots = [...document.querySelectorAll(".tray .slot")];
  const under = (event) => slots.find((s) => s.contains(document.elementFromPoint(event.clientX, event.clientY)));
  const far = (event) => Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > 8;
  const move = (event) => {
    node.dragged = node.dragged || far(event);
    node.classList.toggle("held", Boolean(node.dragged));
    slots.forEach((s) => s.classList.toggle("over", Boolean(node.dragged) && s === under(event)));
  };
  const end = (event) => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
    slots.forEach((s) => s.classList.remove("over"));
    node.classList.remove("held");
    const target = event.type === "pointerup" && node.dragged && under(event);
    if (target) drop(Number(target.dataset.slot));
    setTimeout(() => { node.dragged = false; });
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}
