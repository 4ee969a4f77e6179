// The reading view: the prompt, one pane per answer, linked scrolling, and how far and long one read.

import { button, el } from "/page/dom.js";
import { preferences } from "/page/preferences.js";
import { looksLikeVerse, prose } from "/page/prose.js";
import { t } from "/page/strings.js";

export class Reader {
  // `kept` is what an earlier reader of the same item left: seconds, depths and places.
  constructor(item, protocol, kept) {
    this.item = item;
    this.depths = kept?.depths ?? item.answers.map(() => 0);
    this.seconds = kept?.seconds ?? 0;
    this.places = kept?.places ?? null;
    this.since = document.hidden ? null : performance.now();
    const verse = looksLikeVerse(item.answers, item.language);
    this.names = item.answers.map((_, i) => paneName(protocol, i));
    this.panes = item.answers.map((text, i) => this.pane(text, i, verse));
    this.strip = el("div", { class: `strip ${layout(item)}` }, ...this.panes);
    this.tabs = item.answers.length > 1 ? this.tabBar() : null;
    this.strip.addEventListener("scroll", () => this.markTab(), { passive: true });
    this.nodes = [task(item), this.tabs, this.strip];
  }

  pane(text, i, verse) {
    const scroller = el("div", { class: "scroller", tabindex: "0", role: "article", "aria-label": this.names[i] });
    const lang = this.item.language === "zh" ? "zh-Hans" : "en";
    scroller.append(el("div", { class: verse ? "prose verse" : "prose", lang }, prose(text)));
    scroller.addEventListener("scroll", () => this.follow(i), { passive: true });
    const head = el("header", {}, el("span", { class: "number" }, String(i + 1)), el("span", {}, this.names[i]), el("span", { class: "place" }));
    return el("section", { class: "pane" }, head, scroller);
  }

  scroller(i) {
    return this.panes[i].querySelector(".scroller");
  }

  // Once the nodes stand on the page: goes back to where the reader was, and begins to watch.
  settle() {
    this.panes.forEach((_, i) => { this.scroller(i).scrollTop = this.places?.tops[i] ?? 0; });
    this.strip.scrollLeft = this.places?.left ?? 0;
    scrollTo(0, this.places?.page ?? 0);
    const watch = { passive: true, capture: true, signal: (this.watching = new AbortController()).signal };
    document.addEventListener("scroll", () => this.measure(), watch);
    addEventListener("resize", () => this.measure(), watch);
    requestAnimationFrame(() => this.measure());
  }

  leave() {
    this.watching?.abort();
  }

  // What an item keeps across a change of language, a reload and a return.
  kept() {
    const tops = this.panes.map((_, i) => this.scroller(i).scrollTop);
    return { seconds: this.dwell(), depths: this.depths, places: { tops, left: this.strip.scrollLeft, page: scrollY } };
  }

  // How far down each text came into view: in its own pane, in the strip of panes, above the foot of the page.
  measure() {
    if (document.hidden) return;
    const floor = Math.min(innerHeight, document.querySelector("#verdict").getBoundingClientRect().top || innerHeight);
    const strip = this.strip.getBoundingClientRect();
    this.panes.forEach((pane, i) => {
      const frame = this.scroller(i).getBoundingClientRect();
      const text = pane.querySelector(".prose").getBoundingClientRect();
      const wide = Math.min(frame.right, strip.right, innerWidth) - Math.max(frame.left, strip.left, 0);
      if (!text.height || wide < frame.width / 2) return;
      const seen = (Math.min(frame.bottom, floor) - text.top) / text.height;
      this.depths[i] = Math.max(this.depths[i], Math.round(1000 * Math.min(1, Math.max(0, seen))) / 1000);
    });
  }

  follow(i) {
    const from = this.scroller(i);
    if (!preferences.linked || this.following) return;
    this.following = true;
    this.panes.forEach((_, j) => {
      const to = this.scroller(j);
      if (j !== i) to.scrollTop = share(from) * (to.scrollHeight - to.clientHeight);
    });
    requestAnimationFrame(() => { this.following = false; });
  }

  pause(hidden) {
    if (this.since !== null) this.seconds += (performance.now() - this.since) / 1000;
    this.since = hidden ? null : performance.now();
  }

  dwell() {
    this.pause(document.hidden);
    return Math.round(this.seconds * 10) / 10;
  }

  tabBar() {
    const tab = (name, i) => button(this.item.answers.length > 3 ? String(i + 1) : name, () => this.turnTo(i), {
      role: "tab", "aria-selected": String(i === 0), "aria-label": name,
    });
    return el("div", { class: "tabs", role: "tablist" }, ...this.names.map(tab));
  }

  turnTo(i) {
    this.panes[i].scrollIntoView({ behavior: "auto", inline: "start", block: "nearest" });
    this.scroller(i).focus({ preventScroll: true });
    this.markTab(i);
  }

  nearest() {
    const left = this.strip.getBoundingClientRect().left;
    const gaps = this.panes.map((pane) => Math.abs(pane.getBoundingClientRect().left - left));
    return gaps.indexOf(Math.min(...gaps));
  }

  current() {
    const focused = this.panes.findIndex((pane) => pane.contains(document.activeElement));
    return focused >= 0 ? focused : this.nearest();
  }

  markTab(shown = this.nearest()) {
    [...(this.tabs?.children ?? [])].forEach((tab, i) => tab.setAttribute("aria-selected", String(i === shown)));
  }

  scrollBy(lines) {
    const targets = preferences.linked || this.panes.length === 2 ? this.panes.map((_, i) => i) : [this.current()];
    targets.forEach((i) => this.scroller(i).scrollBy({ top: lines * 34 }));
  }
}

function layout(item) {
  return item.answers.length === 1 ? "single" : item.answers.length > 2 ? "many" : "";
}

function paneName(protocol, i) {
  return protocol === "pairwise" ? t(["side_left", "side_right"][i]) : t("answer", i + 1);
}

// A long prompt is cut to a few lines; whether it is long shows once it stands on the page.
function task(item) {
  const text = el("div", { class: "text short", lang: item.language === "zh" ? "zh-Hans" : "en", id: "prompt" }, item.prompt);
  const toggle = button(t("show_all"), () => {
    const short = text.classList.toggle("short");
    toggle.textContent = t(short ? "show_all" : "show_less");
    toggle.setAttribute("aria-expanded", String(!short));
  }, { class: "plain", "aria-expanded": "false", "aria-controls": "prompt" });
  const fits = () => text.classList.contains("short") && text.scrollHeight <= text.clientHeight + 2;
  new ResizeObserver(() => { toggle.hidden = fits(); }).observe(text);
  return el("section", { class: "task", "aria-label": t("prompt") },
    el("div", { class: "inner" }, el("h1", { class: "label" }, t("prompt")), text, toggle));
}

const share = (node) => node.scrollTop / Math.max(1, node.scrollHeight - node.clientHeight);
