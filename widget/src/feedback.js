/** Thumbs, and for the one that points down a reason. */

import { h, iconButton, refill } from './dom.js';

/**
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 * @typedef {{ helpful: boolean, reason: string, comment: string }} Verdict
 */

/**
 * The two buttons, and the place where the form opens.
 * @param {Entry} entry
 * @param {Texts} texts
 * @param {(verdict: Verdict) => void} send
 * @param {() => Promise<typeof import('./rare.js')>} rare
 */
export function feedback(entry, texts, send, rare) {
  const form = h('div', { class: 'feedback' });
  const good = iconButton('up', texts.good, () => choose(true));
  const bad = iconButton('down', texts.bad, () => choose(false));
  const press = () => {
    good.setAttribute('aria-pressed', String(entry.helpful === true));
    bad.setAttribute('aria-pressed', String(entry.helpful === false));
  };
  /** @param {boolean} helpful */
  const choose = async (helpful) => {
    entry.helpful = helpful;
    press();
    send({ helpful, reason: '', comment: '' });
    refill(form, helpful ? thanks(texts) : (await rare()).reasons(texts, (verdict) => {
      send(verdict);
      refill(form, thanks(texts));
      bad.focus();
    }));
    form.querySelector('input')?.focus();
  };
  press();
  return { buttons: [good, bad], form };
}

/** @param {Texts} texts */
const thanks = (texts) => h('p', { role: 'status' }, texts.thanks);
