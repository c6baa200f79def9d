/** Where in its document a passage stands. */

import { h } from './dom.js';

/**
 * The headings above a passage, without the document's own title.
 * @param {{ title: string, heading?: string[] }} passage
 */
export function headings({ title, heading = [] }) {
  return heading.filter((part, i) => i > 0 || part !== title);
}

/** @param {string[]} parts @returns {HTMLElement | null} one after another, if there are any */
export function path(parts) {
  return parts.length ? h('span', { class: 'path', dir: 'auto' }, parts.join(' › ')) : null;
}
