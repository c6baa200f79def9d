/** The conversation as a Markdown file for its visitor. */

import { h } from './dom.js';

/** @typedef {import('./conversation.js').Entry} Entry */

/** @param {Entry[]} entries */
export function download(entries) {
  const address = URL.createObjectURL(new Blob([entries.map(written).join('\n\n')], { type: 'text/markdown' }));
  h('a', { href: address, download: 'conversation.md' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** @param {Entry} entry with the sources of its answer */
function written({ question, answer, citations, person, name }) {
  if (person) return `**${name || person}**: ${answer}`;
  const sources = citations.map(({ id, title, address }) => `[${id}] ${title} ${address}`);
  return [`## ${question}`, answer, ...sources].join('\n\n');
}
