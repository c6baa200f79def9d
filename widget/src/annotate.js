/** Places in a text, given as offsets, turned into signs that survive Markdown. */

import { CITE, DIM, END, LIT } from './inline.js';

const PREFIX = /^(?:\s*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6}|>)\s+|\|\s*))+/;

/**
 * Places citations after the sentences they support, or marks the cited words.
 * @param {string} text
 * @param {{ cites?: { at: number, id: number }[], lit?: [number, number][] }} places offsets in code
 *   points
 * @returns {string} for `render`
 */
export function annotate(text, { cites = [], lit = [] }) {
  const offset = offsets(text);
  /** @type {[number, number, string][]} */
  const inserts = [];
  for (const { at, id } of cites) inserts.push([beforeSpace(text, offset(at)), id, `${CITE}${id}${END}`]);
  for (const [start, end] of lit) {
    inserts.push([afterPrefix(text, offset(start)), 0, LIT], [beforeSpace(text, offset(end), /[\s|]/), 0, DIM]);
  }
  inserts.sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  let result = text.replace(/[\uE000-\uE003]/g, '\uFFFD');
  for (const [at, , sign] of inserts) result = result.slice(0, at) + sign + result.slice(at);
  return result;
}

/** @param {string} text @returns {(point: number) => number} code points to UTF-16 units */
function offsets(text) {
  if (!/[\uD800-\uDBFF]/.test(text)) return (point) => Math.min(point, text.length);
  const points = [...text];
  return (point) => points.slice(0, point).join('').length;
}

/** @param {string} text @param {number} at @param {RegExp} [space] white space, or the edge of a table too */
function beforeSpace(text, at, space = /\s/) {
  while (at > 0 && space.test(text[at - 1])) at -= 1;
  return at;
}

/** @param {string} text @param {number} at past the sign of the list, heading or quote that begins there */
function afterPrefix(text, at) {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const prefix = PREFIX.exec(text.slice(start));
  return Math.max(at, start + (prefix ? prefix[0].length : 0));
}
