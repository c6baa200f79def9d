/** Markdown inside a block (emphasis, code, links) built as DOM nodes. */

import { h } from './dom.js';
import { safeAddress } from './links.js';

/**
 * Private-use characters that carry places through the Markdown: `CITE` number `END` is a citation,
 * `LIT` and `DIM` switch the highlight on and off.
 */
export const CITE = '\uE000';
export const END = '\uE001';
export const LIT = '\uE002';
export const DIM = '\uE003';

/**
 * @typedef {{ lit: boolean, cite: (id: number) => Node | null }} Context `lit`: inside a highlight,
 *   across blocks. `cite` makes the button of a citation.
 */

const SIGNS = /\uE000(\d+)\uE001|\uE002|\uE003/g;

/** Longer text is shown as it is: nested emphasis is looked for in quadratic time. */
const LONGEST = 20_000;

/** @type {Record<string, string>} */
const NAMED = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00A0' };

/** @type {[RegExp, (match: RegExpExecArray, out: Node, context: Context) => void][]} */
const RULES = [
  [/\\([!-/:-@[-`{-~])/y, ([, sign], out, context) => leaf(sign, out, context)],
  [/(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/y, ([, , code], out, context) => {
    leaf(code.trim(), child(out, h('code')), context);
  }],
  // An image is named, never fetched: its address would tell a third party who reads the answer.
  [/!\[([^\]]*)\]\(([^()\s]*)[^)]*\)/y, ([, name, address], out, context) => link(address, name || address, out, context)],
  [/\[([^\[\]]+)\]\(<?((?:[^()\s<>]|\([^()\s]*\))*)>?(?:\s+"[^"]*")?\)/y, ([, name, address], out, context) => {
    link(address, name, out, context);
  }],
  [/<((?:https?:\/\/|mailto:)[^\s<>]+)>/y, ([, address], out, context) => link(address, address, out, context, true)],
  [/https?:\/\/[^\s<>()\uE000-\uE003]*[^\s<>().,;:!?'"*_~\uE000-\uE003]/y, ([address], out, context) => {
    link(address, address, out, context, true);
  }],
  [/(\*\*|__)(?=\S)([\s\S]*?\S)\1(?![*_])/y, ([, , text], out, context) => inline(text, child(out, h('strong')), context)],
  [/\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/y, ([, text], out, context) => inline(text, child(out, h('em')), context)],
  [/_(?=[^\s_])([\s\S]*?[^\s_])_(?![\p{L}\p{N}_])/uy, ([, text], out, context) => inline(text, child(out, h('em')), context)],
  [/~~(?=\S)([\s\S]*?\S)~~/y, ([, text], out, context) => inline(text, child(out, h('del')), context)],
  [/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/iy, ([, decimal, hex, name], out, context) => {
    leaf(name ? NAMED[name.toLowerCase()] : letter(parseInt(decimal ?? hex, decimal ? 10 : 16)), out, context);
  }],
  [/(?: {2,}|\\)\n/y, (_, out) => void out.appendChild(h('br'))],
];

/**
 * @param {string} text
 * @param {Node} out gets the nodes
 * @param {Context} context
 */
export function inline(text, out, context) {
  let from = 0;
  let at = text.length > LONGEST ? text.length : 0;
  while (at < text.length) {
    const found = startsAt(text, at);
    if (!found) {
      at += 1;
      continue;
    }
    leaf(text.slice(from, at), out, context);
    const [rule, match] = found;
    rule(match, out, context);
    from = at = at + match[0].length;
  }
  leaf(text.slice(from), out, context);
}

const STARTERS = '\\`![<&h*_~ ';

/** @param {string} text @param {number} at @returns {[typeof RULES[0][1], RegExpExecArray] | null} */
function startsAt(text, at) {
  if (!STARTERS.includes(text[at])) return null;
  // An underscore or an address inside a word is part of the word.
  if (/[_h]/.test(text[at]) && /[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return null;
  for (const [pattern, rule] of RULES) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return [rule, match];
  }
  return null;
}

/**
 * Plain text, with the citations and highlights that it carries.
 * @param {string} text
 * @param {Node} out
 * @param {Context} context
 */
export function leaf(text, out, context) {
  let from = 0;
  for (const match of text.matchAll(SIGNS)) {
    words(text.slice(from, match.index), out, context);
    from = match.index + match[0].length;
    const button = match[1] && context.cite(Number(match[1]));
    if (button) out.appendChild(button);
    if (!match[1]) context.lit = match[0] === LIT;
  }
  words(text.slice(from), out, context);
}

/** @param {number} point */
const letter = (point) => (point > 0 && point < 0x110000 ? String.fromCodePoint(point) : '\uFFFD');

/** @param {string} text @param {Node} out @param {Context} context */
function words(text, out, context) {
  if (!text) return;
  const node = document.createTextNode(text);
  out.appendChild(context.lit ? h('mark', {}, node) : node);
}

/**
 * @param {string} address
 * @param {string} name
 * @param {Node} out
 * @param {Context} context
 * @param {boolean} [bare] whether the name is the address itself, to be shown letter by letter
 */
function link(address, name, out, context, bare = false) {
  const safe = safeAddress(address.replace(SIGNS, ''));
  const place = safe ? child(out, h('a', { href: safe, target: '_blank', rel: 'noopener noreferrer nofollow' })) : out;
  if (bare) leaf(name, place, context);
  else inline(name, place, context);
}

/** @template {Node} T @param {Node} out @param {T} node @returns {T} */
function child(out, node) {
  out.appendChild(node);
  return node;
}
