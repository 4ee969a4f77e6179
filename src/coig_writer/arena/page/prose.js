// Shows a text as prose: its lines are kept, a small part of Markdown is drawn, everything else is text.
// No HTML is ever parsed, links go nowhere and images are their names, so a hostile answer is only ink.

import { el } from "/page/dom.js";

const LONGEST_FORMATTED_LINE = 4000;
const INLINE = /\*\*\*(?=\S)([^*\n]{1,300}?\S|\S)\*\*\*|\*\*(?=\S)([^*\n]{1,300}?\S|\S)\*\*|\*(?=[^\s*])([^*\n]{0,300}?[^\s*])\*|`([^`\n]{1,200})`|!?\[([^\]\n]{1,200})\]\([^)\n]{0,500}\)|\\([\\*_`#[\]>~-])/g;
const BLOCKS = [
  [/^(#{1,6})\s+(.+?)\s*#*$/, (match) => el("h4", {}, ...inline(match[2]))],
  [/^\s*(?:-{3,}|\*{3,}|_{3,}|(?:\* ){2,}\*)\s*$/, () => el("hr")],
  [/^>\s?(.*)$/, (match) => el("p", { class: "quote" }, ...inline(match[1]))],
  [/^\s{0,6}[-*+•]\s+(.+)$/, (match) => item("•", match[1])],
  [/^\s{0,6}(\d{1,3}[.)])\s+(.+)$/, (match) => item(match[1], match[2])],
];

function item(marker, text) {
  return el("p", { class: "item" }, el("span", { class: "marker" }, marker), el("span", {}, ...inline(text)));
}

function inline(text) {
  if (text.length > LONGEST_FORMATTED_LINE) return [text];
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) nodes.push(text.slice(end, match.index));
    nodes.push(inlineNode(match));
    end = match.index + match[0].length;
  }
  if (end < text.length) nodes.push(text.slice(end));
  return nodes;
}

function inlineNode([, both, bold, italic, code, label, escaped]) {
  if (both !== undefined) return el("strong", {}, el("em", {}, both));
  if (bold !== undefined) return el("strong", {}, bold);
  if (italic !== undefined) return el("em", {}, italic);
  if (code !== undefined) return el("code", {}, code);
  return label ?? escaped;
}

function block(line) {
  for (const [pattern, build] of BLOCKS) {
    const match = line.length <= LONGEST_FORMATTED_LINE && line.match(pattern);
    if (match) return build(match);
  }
  return el("p", {}, ...inline(line));
}

// A table is a row of cells, a rule under it, and the rows that follow; how many lines that is, or 0.
function tableAt(lines, at) {
  const row = (line) => line !== undefined && line.includes("|") && line.length <= LONGEST_FORMATTED_LINE;
  if (!row(lines[at]) || !row(lines[at + 1]) || !/^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1])) return 0;
  if (cells(lines[at]).length !== cells(lines[at + 1]).length) return 0;
  let end = at + 2;
  while (row(lines[end])) end += 1;
  return end - at;
}

function table([head, , ...rows]) {
  const drawn = (tag, line) => el("tr", {}, ...cells(line).map((cell) => el(tag, {}, ...inline(cell))));
  return el("table", {}, el("thead", {}, drawn("th", head)), el("tbody", {}, ...rows.map((row) => drawn("td", row))));
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

export function prose(text) {
  const fragment = document.createDocumentFragment();
  let gap = false;
  let fence = null;
  const lines = text.split(/\r\n?|\n/);
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    const rows = fence ? 0 : tableAt(lines, i);
    if (rows) {
      const node = fragment.appendChild(table(lines.slice(i, i + rows)));
      if (gap) node.classList.add("gap");
      gap = false;
      i += rows - 1;
    } else if (/^\s*```/.test(line)) {
      fence = fence ? null : fragment.appendChild(el("pre"));
    } else if (fence) {
      fence.append(line + "\n");
    } else if (!line.trim()) {
      gap = true;
    } else {
      const node = fragment.appendChild(block(line));
      if (gap) node.classList.add("gap");
      gap = false;
    }
  }
  return fragment;
}

// Verse is set line by line; decided over all answers of an item, so that they are set alike.
export function looksLikeVerse(texts, language) {
  const lines = texts.flatMap((text) => text.split("\n")).map((line) => line.trim().length).filter(Boolean);
  lines.sort((a, b) => a - b);
  return lines.length >= 6 * texts.length && lines[Math.floor(lines.length * 0.9)] <= (language === "zh" ? 32 : 72);
}
