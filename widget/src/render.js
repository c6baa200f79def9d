/**
 * Markdown to DOM by construction: the part of CommonMark that answers and passages use, and
 * GitHub's tables. HTML in the text stays text.
 */

import { h } from './dom.js';
import { DIM, LIT, inline, leaf } from './inline.js';

/** @typedef {import('./inline.js').Context} Context */

const FENCE = /^\s{0,3}(`{3,}|~{3,})\s*(\S*)/;
const HEADING = /^\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/;
const RULE = /^\s{0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^\s{0,3}>\s?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(?:\s+|$)/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const ROW = /^\s*\|.*\|\s*$/;
const DEEPEST = 8;

/**
 * Renders annotated Markdown into `out`, keeping the blocks that have not changed since the last
 * call: while an answer streams, only its last block is built again.
 * @param {HTMLElement} out
 * @param {string} text
 * @param {Omit<Context, 'lit'>} context
 */
export function render(out, text, context) {
  const blocks = split(text.split(/\r\n|\n|\r/));
  const state = { ...context, lit: false };
  blocks.forEach((lines, i) => {
    const key = `${state.lit}${lines.join('\n')}`;
    const old = /** @type {(Element & { block?: string }) | undefined} */ (out.children[i]);
    if (old?.block === key) {
      state.lit = litAfter(key, state.lit);
      return;
    }
    const node = /** @type {Element & { block?: string }} */ (block(lines, state, 0));
    node.block = key;
    if (old) out.replaceChild(node, old);
    else out.appendChild(node);
  });
  while (out.children.length > blocks.length) out.removeChild(/** @type {Node} */ (out.lastChild));
}

/** @param {string} text @param {boolean} lit */
function litAfter(text, lit) {
  const on = text.lastIndexOf(LIT);
  const off = text.lastIndexOf(DIM);
  return on === off ? lit : on > off;
}

/**
 * @param {string[]} lines
 * @returns {string[][]} the lines of each block
 */
function split(lines) {
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    if (!lines[i].trim()) {
      i += 1;
      continue;
    }
    const end = blockEnd(lines, i);
    blocks.push(lines.slice(i, end));
    i = end;
  }
  return blocks;
}

/** @param {string[]} lines @param {number} from @returns {number} the line after the block */
function blockEnd(lines, from) {
  const line = lines[from];
  const fence = FENCE.exec(line);
  let end = from + 1;
  if (fence) {
    while (end < lines.length && !lines[end].trim().startsWith(fence[1])) end += 1;
    return Math.min(end + 1, lines.length);
  }
  if (HEADING.test(line) || RULE.test(line)) return end;
  const item = ITEM.exec(line);
  if (item) return itemsEnd(lines, from);
  const quoted = QUOTE.test(line);
  const table = isTable(lines, from);
  while (end < lines.length && lines[end].trim()) {
    if (quoted ? !QUOTE.test(lines[end]) : table ? !lines[end].includes('|') : startsBlock(lines, end)) break;
    end += 1;
  }
  return end;
}

/** @param {string[]} lines @param {number} from */
function itemsEnd(lines, from) {
  let end = from + 1;
  const ordered = /\d/.test(lines[from]) && /^\s*\d/.test(lines[from]);
  for (; end < lines.length; end++) {
    const line = lines[end];
    const next = ITEM.exec(line);
    if (next && next[1].length < 2 && /\d/.test(next[2]) !== ordered) break;
    if (next && !RULE.test(line)) continue;
    if (!line.trim()) {
      const after = lines[end + 1] ?? '';
      if (!ITEM.test(after) && !/^\s{2,}\S/.test(after)) break;
    } else if (!/^\s{2,}/.test(line) && (lines[end - 1].trim() === '' || startsBlock(lines, end))) {
      break;
    }
  }
  return end;
}

/** @param {string[]} lines @param {number} i */
function startsBlock(lines, i) {
  const line = lines[i];
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)
    || /^\s{0,3}(?:[-*+]|1[.)])\s+\S/.test(line) || isTable(lines, i);
}

/** @param {string[]} lines @param {number} i */
function isTable(lines, i) {
  return hasHead(lines, i) || ROW.test(lines[i]); // a passage may be the middle of a table
}

/** @param {string[]} lines @param {number} i */
const hasHead = (lines, i) => lines[i].includes('|') && DIVIDER.test(lines[i + 1] ?? '');

/** @param {string[]} lines of one block @param {Context} context @param {number} depth @returns {Element} */
function block(lines, context, depth) {
  const fence = FENCE.exec(lines[0]);
  if (fence) return code(lines, fence[1], context);
  const heading = HEADING.exec(lines[0]);
  // One level, below the question: a passage is cut out of its page, and so are its levels.
  if (heading) return filled(h('h3'), heading[1], context);
  if (RULE.test(lines[0])) return h('hr');
  if (depth < DEEPEST && QUOTE.test(lines[0])) {
    const inner = lines.map((line) => line.replace(QUOTE, ''));
    return blocks(h('blockquote'), inner, context, depth + 1);
  }
  if (depth < DEEPEST && ITEM.test(lines[0])) return list(lines, context, depth + 1);
  if (isTable(lines, 0)) return table(lines, context);
  return filled(h('p'), lines.map((line) => line.trimStart()).join('\n'), context);
}

/** @template {HTMLElement} T @param {T} out @param {string[]} lines @param {Context} context @param {number} depth */
function blocks(out, lines, context, depth) {
  for (const part of split(lines)) out.appendChild(block(part, context, depth));
  return out;
}

/** @template {HTMLElement} T @param {T} out @param {string} text @param {Context} context */
function filled(out, text, context) {
  inline(text, out, context);
  return out;
}

/** @param {string[]} lines @param {string} fence @param {Context} context */
function code(lines, fence, context) {
  const closed = lines.length > 1 && lines[lines.length - 1].trim().startsWith(fence);
  const inner = h('code');
  leaf(lines.slice(1, closed ? -1 : undefined).join('\n'), inner, context);
  return h('pre', { tabindex: '0' }, inner);
}

/** @param {string[]} lines @param {Context} context @param {number} depth */
function list(lines, context, depth) {
  const first = /** @type {RegExpExecArray} */ (ITEM.exec(lines[0]));
  const ordered = /\d/.test(first[2]);
  const number = parseInt(first[2], 10);
  const out = ordered ? h('ol', { start: number === 1 ? null : number }) : h('ul');
  const loose = lines.some((line, i) => !line.trim() && ITEM.test(lines[i + 1] ?? ''));
  /** @type {string[][]} */
  const items = [];
  let indent = 0;
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length < Math.max(indent, first[1].length + 2)) {
      indent = item[0].length;
      items.push([line.slice(item[0].length)]);
    } else {
      items[items.length - 1].push(line.replace(new RegExp(`^\\s{0,${indent}}`), ''));
    }
  }
  for (const item of items) {
    const entry = h('li');
    const [head, ...rest] = split(item);
    if (head && !loose && !startsBlock(head, 0)) inline(head.join('\n'), entry, context);
    else if (head) entry.appendChild(block(head, context, depth));
    for (const part of rest) entry.appendChild(block(part, context, depth));
    out.appendChild(entry);
  }
  return out;
}

/** @param {string[]} lines @param {Context} context */
function table(lines, context) {
  const head = hasHead(lines, 0) && lines[0];
  const rows = head ? lines.slice(2) : lines;
  const row = (/** @type {string} */ line, /** @type {'th' | 'td'} */ tag) => {
    const cells = line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/);
    return h('tr', {}, ...cells.map((cell) => filled(h(tag), cell.trim().replace(/\\\|/g, '|'), context)));
  };
  // A wide table scrolls by itself, also by keyboard.
  return h('div', { class: 'wide', tabindex: '0' }, h('table', {},
    head && h('thead', {}, row(head, 'th')), h('tbody', {}, ...rows.map((line) => row(line, 'td')))));
}
