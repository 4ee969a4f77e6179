// What a reader sets once: interface language, text size, theme, linked scrolling. Kept on this device.

const KEY = "arena.preferences";
const DEFAULTS = {
  interface: (navigator.language || "zh").startsWith("zh") ? "zh" : "en",
  size: 1,
  theme: "auto",
  linked: false,
};
const SIZES = ["0.9", "1", "1.15", "1.35"];

export function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A browser without storage forgets drafts and settings; what reached the server is there.
  }
}

export const preferences = { ...DEFAULTS, ...read(KEY, {}) };

export function prefer(changes) {
  Object.assign(preferences, changes);
  write(KEY, preferences);
  applyPreferences();
}

export function applyPreferences() {
  const root = document.documentElement;
  root.lang = preferences.interface === "zh" ? "zh-Hans" : "en";
  root.style.setProperty("--scale", SIZES[preferences.size]);
  if (preferences.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = preferences.theme;
}

export function nextSize() {
  prefer({ size: (preferences.size + 1) % SIZES.length });
}

export function nextTheme() {
  const order = ["auto", "light", "dark"];
  prefer({ theme: order[(order.indexOf(preferences.theme) + 1) % order.length] });
}

// Words in the language of the page; an entry that is a function is given the values.
export const saying = (strings) => (key, ...values) => {
  const said = strings[preferences.interface][key];
  return typeof said === "function" ? said(...values) : said;
};

// Drafts: what a rater has begun to say about one item, until it is sent.
const DRAFTS = "arena.drafts";
const MAX_DRAFTS = 20;

export function draft(item) {
  return read(DRAFTS, {})[item] ?? null;
}

export function keepDraft(item, value) {
  const entries = Object.entries(read(DRAFTS, {})).filter(([key]) => key !== item);
  if (value) entries.push([item, value]);
  write(DRAFTS, Object.fromEntries(entries.slice(-MAX_DRAFTS)));
}

// Votes that were acknowledged lately. A machine that vanishes may take the last ones along; an item
// handed out again that stands here is one of them, and this copy makes it good.
const SENT = "arena.sent";
const MAX_SENT = 40;

export const sentBefore = (item) => read(SENT, []).find((vote) => vote.item === item) ?? null;

export function keepSent(vote) {
  write(SENT, [...read(SENT, []).filter(({ item }) => item !== vote.item), vote].slice(-MAX_SENT));
}

export function forgetSent(item) {
  write(SENT, read(SENT, []).filter((vote) => vote.item !== item));
}

export const practised = (protocol) => read("arena.practised", []).includes(protocol);

export function rememberPractice(protocol) {
  write("arena.practised", [...new Set([...read("arena.practised", []), protocol])]);
}
