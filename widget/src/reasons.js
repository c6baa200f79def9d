/** Why an answer was not helpful. */

import { h } from './dom.js';

/** @typedef {import('./feedback.js').Verdict} Verdict */

const REASONS = /** @type {const} */ (['wrong', 'off_topic', 'incomplete', 'bad_source']);

/** @param {import('./texts.js').Texts} texts @param {(verdict: Verdict) => void} send */
export function reasons(texts, send) {
  const comment = h('textarea', { rows: '2', maxlength: '1000', placeholder: texts.comment, 'aria-label': texts.comment });
  /** @param {SubmitEvent} event */
  const onsubmit = (event) => {
    event.preventDefault();
    const chosen = new FormData(/** @type {HTMLFormElement} */ (event.target)).get('reason');
    send({ helpful: false, reason: String(chosen ?? ''), comment: comment.value.trim() });
  };
  return h('form', { class: 'card', onsubmit },
    h('fieldset', {}, h('legend', {}, texts.reason), ...REASONS.map((reason) => (
      h('label', { class: 'choice' }, h('input', { type: 'radio', name: 'reason', value: reason }), texts[reason])))),
    comment,
    h('button', { class: 'strong' }, texts.send));
}
