/** Thumbs, and for the one that points down a reason. */

import { h, iconButton, refill } from './dom.js';

/**
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 * @typedef {{ helpful: boolean, reason: string, comment: string }} Verdict
 */

const REASONS = /** @type {const} */ (['wrong', 'off_topic', 'incomplete', 'bad_source']);

/**
 * The two buttons, and the place where the form opens.
 * @param {Entry} entry
 * @param {Texts} texts
 * @param {(verdict: Verdict) => void} send
 */
export function feedback(entry, texts, send) {
  const form = h('div', { class: 'feedback' });
  const good = iconButton('up', texts.good, () => choose(true));
  const bad = iconButton('down', texts.bad, () => choose(false));
  const press = () => {
    good.setAttribute('aria-pressed', String(entry.helpful === true));
    bad.setAttribute('aria-pressed', String(entry.helpful === false));
  };
  /** @param {boolean} helpful */
  const choose = (helpful) => {
    entry.helpful = helpful;
    press();
    send({ helpful, reason: '', comment: '' });
    refill(form, helpful ? thanks(texts) : reasons(texts, (verdict) => {
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

/** @param {Texts} texts @param {(verdict: Verdict) => void} send */
function reasons(texts, send) {
  const comment = h('textarea', { rows: '2', maxlength: '1000', placeholder: texts.comment, 'aria-label': texts.comment });
  /** @param {SubmitEvent} event */
  const onsubmit = (event) => {
    event.preventDefault();
    const chosen = new FormData(/** @type {HTMLFormElement} */ (event.target)).get('reason');
    send({ helpful: false, reason: String(chosen ?? ''), comment: comment.value.trim() });
  };
  return h('form', { onsubmit },
    h('fieldset', {}, h('legend', {}, texts.reason), ...REASONS.map((reason) => (
      h('label', {}, h('input', { type: 'radio', name: 'reason', value: reason }), texts[reason])))),
    comment,
    h('button', { class: 'strong' }, texts.send));
}
