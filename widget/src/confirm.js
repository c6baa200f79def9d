/** Asks before a conversation is deleted. */

import { h } from './dom.js';

/** @param {HTMLElement} panel @param {import('./texts.js').Texts} texts @param {() => void} remove */
export function confirmRemoval(panel, texts, remove) {
  const dialog = h('dialog', { class: 'sure', onclose: () => dialog.parentNode?.removeChild(dialog) },
    h('form', { method: 'dialog' }, h('p', {}, texts.sure),
      h('button', { class: 'plain' }, texts.keep),
      h('button', { class: 'strong', onclick: remove }, texts.remove)));
  panel.appendChild(dialog);
  dialog.showModal();
}
