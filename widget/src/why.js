/** "Why this answer", opened: every passage that was found, and its place by words and by meaning. */

import { h } from './dom.js';
import { headings, path } from './heading.js';
import { say } from './texts.js';

/**
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 */

const ARMS = /** @type {const} */ (['sparse', 'dense']);

/**
 * @param {Entry} entry
 * @param {Texts} texts
 * @param {(hit: Hit, opener: HTMLElement) => void} open shows a passage
 */
export function whyThisAnswer(entry, texts, open) {
  const cited = new Set(entry.citations.map((citation) => citation.chunk_id));
  const most = Math.max(...entry.hits.map((hit) => part(hit, 'sparse') + part(hit, 'dense')));
  return [
    h('p', { dir: 'auto' }, say(texts.whyText, { query: entry.query ?? entry.question })),
    h('ol', {}, ...entry.hits.map((hit) => h('li', {},
      title(hit, open),
      path(headings(hit)),
      most > 0 && bar(hit, most),
      h('span', { class: 'places' }, cited.has(hit.chunk_id) && h('mark', {}, texts.quoted), ...findings(hit, texts))))),
  ];
}

/** @param {Hit} hit @param {(hit: Hit, opener: HTMLElement) => void} open */
function title(hit, open) {
  const name = hit.title || hit.address;
  if (!hit.text) return h('span', { class: 'title', dir: 'auto' }, name);
  const button = h('button', { type: 'button', class: 'title', dir: 'auto', onclick: () => open(hit, button) }, name);
  return button;
}

/** @param {Hit} hit @param {typeof ARMS[number]} arm what the arm adds to the score */
const part = (hit, arm) => hit.arms?.[arm]?.part ?? 0;

/** The score as a bar of its parts. @param {Hit} hit @param {number} most the best hit's score */
function bar(hit, most) {
  const parts = ARMS.map((arm) => {
    const stripe = h('span', { class: arm });
    stripe.style.width = `${(100 * part(hit, arm)) / most}%`;
    return stripe;
  });
  return h('span', { class: 'score', 'aria-hidden': 'true' }, ...parts);
}

/** @param {Hit} hit @param {Texts} texts */
function findings(hit, texts) {
  return ARMS.filter((arm) => hit.arms?.[arm]).map((arm) => (
    h('span', { class: arm }, say(texts.rank, { n: hit.arms?.[arm].rank ?? 0, arm: texts[arm] }))));
}
