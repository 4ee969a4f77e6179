// The reading desk: the prompt, one pane per answer, linked scrolling, and how far and long one read.

import { button, el } from "/page/dom.js";
import { preferences } from "/page/preferences.js";
import { looksLikeVerse, prose } from "/page/prose.js";
import { t } from "/page/strings.js";

export class Reader {
  constructor(item, protocol) {
    this.item = item;
    this.depths = item.answers.map(() => 0);
    this.seconds = 0;
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
    scroller.addEventListener("scroll", () => this.scrolled(i), { passive: true });
    const head = el("header", {}, el("span", { class: "number" }, String(i + 1)), el("span", {}, this.names[i]), el("span", { class: "place" }));
    return el("section", { class: "pane" }, head, scroller);
  }

  scroller(i) {
    return this.panes[i].querySelector(".scroller");
  }

  scrolled(i) {
    const from = this.scroller(i);
    this.depths[i] = Math.max(this.depths[i], depth(from));
    if (!preferences.linked || this.following) return;
    this.following = true;
    this.panes.forEach((_, j) => {
      const to = this.scroller(j);
      if (j !== i) to.scrollTop = share(from) * (to.scrollHeight - to.clientHeight);
    });
    requestAnimationFrame(() => { this.following = false; });
  }

  // The share of the least-read text that came into view.
  read() {
    return Math.min(...this.panes.map((_, i) => Math.max(this.depths[i], depth(this.scroller(i)))));
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
    el("div", { class: "inner" }, el("span", { class: "label" }, t("prompt")), text, toggle));
}

const share = (node) => node.scrollTop / Math.max(1, node.scrollHeight - node.clientHeight);
const depth = (node) => node.scrollHeight ? Math.min(1, (node.scrollTop + node.clientHeight) / node.scrollHeight) : 0;
