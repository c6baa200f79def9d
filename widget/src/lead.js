/** Asking for contact details, with what the visitor agrees to by sending them. */

import { h } from './dom.js';

/**
 * @typedef {import('./client.js').LeadRules} LeadRules
 * @typedef {import('./texts.js').Texts} Texts
 * @typedef {Record<string, string>} Details by field
 */

/** @type {Record<string, Record<string, string>>} */
const INPUTS = {
  name: { autocomplete: 'name', maxlength: '200' },
  email: { type: 'email', autocomplete: 'email', maxlength: '320' },
  phone: { type: 'tel', autocomplete: 'tel', maxlength: '60' },
  note: { maxlength: '4000' },
};

/** Where the assistant has no rules: how a visitor is reached for whom nobody is there. */
const ADDRESS = { fields: ['email'], consent: '' };

/**
 * Asks for contact details once in a conversation. Resolves when they are given or refused.
 * @param {import('./chat.js').Chat} chat @param {string} trigger @param {boolean} optional
 * @returns {Promise<void>}
 */
export async function askForContact(chat, trigger, optional) {
  const { conversation, panel, profile: { leads }, client } = chat;
  if (conversation.asked) return;
  panel.setEmpty(false);
  await new Promise((resolve) => {
    panel.setAside(chat.person?.node, leadForm(leads ?? ADDRESS, chat.texts, optional, async (details) => {
      if (details) {
        await client.call('leads', {
          ...details, trigger, visitor: conversation.visitor, conversation_id: conversation.id || undefined,
          page: location.href.split(/[?#]/)[0],
        });
        chat.emit('lead', { trigger, ...details });
      }
      conversation.asked = true;
      conversation.save();
      panel.setAside(chat.person?.node);
      panel.input.focus();
      resolve(undefined);
    }));
  });
}

/**
 * @param {Pick<LeadRules, 'fields' | 'consent'>} rules
 * @param {Texts} texts
 * @param {boolean} optional whether the visitor may go on without
 * @param {(details: Details | null) => Promise<void>} send null: the visitor goes on without;
 *   rejects where it did not work
 */
function leadForm(rules, texts, optional, send) {
  const status = h('p', { role: 'alert' });
  // One way to reach the visitor is needed: the address, or the number where there is no address.
  const needed = rules.fields.includes('email') ? 'email' : 'phone';
  const inputs = [...new Set([...rules.fields, needed])].map((field) => {
    const input = h(field === 'note' ? 'textarea' : 'input', { name: field, required: field === needed, ...INPUTS[field] });
    return h('label', {}, /** @type {Details} */ (texts)[field], input);
  });
  /** @param {SubmitEvent} event */
  const onsubmit = (event) => {
    event.preventDefault();
    const given = /** @type {Details} */ (Object.fromEntries(new FormData(form)));
    send({ ...given, consent: rules.consent }).catch(() => {
      status.textContent = texts.failed;
    });
  };
  const form = h('form', { class: 'card lead', onsubmit },
    h('p', { class: 'lead-title' }, texts.contact),
    ...inputs,
    rules.consent && h('p', { class: 'consent', dir: 'auto' }, rules.consent),
    status,
    h('div', {},
      h('button', { class: 'strong' }, texts.send),
      optional && h('button', { type: 'button', class: 'plain', onclick: () => void send(null) }, texts.skip)));
  return form;
}
