// What is typed goes to the server as it is typed, and stays on this device until the server has it.

import { api } from "/workbench/api.js";
import { read, write } from "/page/preferences.js";

const AFTER_MS = 700;
const IDLE_MS = 60_000;
let unsaved = "workbench.unsaved";

// Whose drafts these are: of two people at one device neither is given the other's.
export function draftsAreOf(alias) {
  unsaved = `workbench.unsaved.${alias}`;
}

export function forgetDrafts() {
  localStorage.removeItem(unsaved);
}

export class Draft {
  // `told` hears { outcome, … } of every version, or { failed: Error }.
  constructor(view, told) {
    this.view = view;
    this.told = told;
    this.base = view.number;
    this.content = structuredClone(view.content);
    this.key = `${view.work}|${view.item}|${view.round}`;
    this.dirty = false;
    this.worked = 0;
    this.touched = Date.now();
    this.queue = Promise.resolve();
    const left = read(unsaved, {})[this.key];
    if (left && left.base === this.base) {
      this.content = left.content;
      this.dirty = true;
      this.later();
    } else if (left) {
      this.left = left.content; // another device went on since: both are shown
    }
  }

  change(content) {
    const now = Date.now();
    this.worked += Math.min(now - this.touched, IDLE_MS) / 1000;
    this.touched = now;
    this.content = content;
    this.dirty = true;
    this.keep();
    this.later();
  }

  keep() {
    write(unsaved, { ...read(unsaved, {}), [this.key]: { base: this.base, content: this.content } });
  }

  forget() {
    const { [this.key]: _, ...rest } = read(unsaved, {});
    write(unsaved, rest);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), AFTER_MS);
  }

  save() {
    clearTimeout(this.timer);
    if (!this.dirty) return this.queue;
    return this.send("save");
  }

  // One request at a time: each version follows the one before.
  send(what, content = null) {
    clearTimeout(this.timer);
    this.queue = this.queue.then(() => this.#send(what, content));
    return this.queue;
  }

  async #send(what, content) {
    const sent = content ?? this.content;
    const seconds = Math.round(this.worked * 10) / 10;
    const { work, item, round, seen } = this.view;
    // The same words on the same version have the same id, however often a lost answer makes them come again.
    this.sending = this.sending && this.sending.words === JSON.stringify([what, sent, this.base]) ? this.sending
      : { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2, 14)}`, words: JSON.stringify([what, sent, this.base]) };
    try {
      const reply = await api.send(what, { id: this.sending.id, work, item, round, base: this.base, seen, content: sent, seconds });
      if (reply.outcome === "stale") {
        this.told(reply);
        return reply;
      }
      this.base = reply.number;
      this.worked = Math.max(0, this.worked - seconds);
      if (content === null && sent === this.content) {
        this.dirty = false;
        this.forget();
      } else if (this.dirty) this.keep();
      this.told(reply);
      return reply;
    } catch (error) {
      this.told({ failed: error });
      if (what === "save") this.timer = setTimeout(() => this.save(), 3000);
      return { failed: error };
    }
  }
}
