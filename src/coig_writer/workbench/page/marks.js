// A text with passages marked. Text only ever becomes text nodes.

import { el } from "/page/dom.js";

// Marks are [start, end, attributes]; offsets count Unicode characters, as the server does.
export function marked(text, marks, paragraph = "p") {
  const signs = Array.from(text);
  const edges = marks.filter(([start, end]) => start < end).sort((a, b) => a[0] - b[0]);
  const lines = [];
  let line = [];
  let at = 0;
  const push = (from, to, attributes) => {
    const parts = signs.slice(from, to).join("").split("\n");
    parts.forEach((part, i) => {
      if (i > 0) {
        lines.push(line);
        line = [];
      }
      if (part) line.push(attributes ? el("mark", attributes, part) : part);
    });
  };
  for (const [start, end, attributes] of edges) {
    if (end <= at) continue;
    push(at, Math.max(at, start));
    push(Math.max(at, start), end, attributes ?? {});
    at = end;
  }
  push(at, signs.length);
  lines.push(line);
  return lines.filter((nodes) => nodes.length).map((nodes) => el(paragraph, {}, ...nodes));
}

// Where a selection lies in a text drawn by `marked`: [start, end] in characters, or null. Line ends are not drawn.
export function selected(root, text) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed || !root.contains(selection.anchorNode) || !root.contains(selection.focusNode)) return null;
  const range = selection.getRangeAt(0);
  const raw = range.toString();
  const length = Array.from(raw.trim()).length;
  if (!length) return null;
  const before = document.createRange();
  before.selectNodeContents(root);
  before.setEnd(range.startContainer, range.startOffset);
  const first = Array.from(before.toString()).length + Array.from(raw).length - Array.from(raw.trimStart()).length;
  const places = Array.from(text).flatMap((sign, place) => (sign === "\n" ? [] : [place]));
  return first + length <= places.length ? [places[first], places[first + length - 1] + 1] : null;
}

// What changed between two texts: the stretch that went and the stretch that came.
export function changed(before, now) {
  const [a, b] = [Array.from(before), Array.from(now)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  return { removed: [head, a.length - tail], added: [head, b.length - tail] };
}
