/** Talking to a person: asking for one, and hearing what they write as they write it. */

import { h, refill } from './dom.js';
import { askForContact } from './lead.js';
import { readEvents } from './stream.js';

/**
 * @typedef {import('./chat.js').Chat} Chat
 * @typedef {{ id: number, sender: string, name: string, text: string }} Message
 */

const AGAIN_MS = 3000;

/** @param {Chat} chat */
export async function askForPerson(chat) {
  if (chat.person) return;
  chat.stop();
  const present = await meetPerson(chat).begin();
  if (!present) await askForContact(chat, 'handoff', true);
}

/**
 * After an answer: offers a person, or else asks for contact details, where the rules say so.
 * @param {Chat} chat @param {import('./conversation.js').Entry} entry
 */
export function askAfter(chat, entry) {
  const { conversation, profile: { leads } } = chat;
  if (offerPerson(chat, entry.question) || !leads) return;
  const count = conversation.entries.filter(({ messageId }) => messageId).length;
  if (entry.abstained && leads.when.includes('abstained')) void askForContact(chat, 'abstained', true);
  else if (count >= leads.after && leads.when.includes('messages')) void askForContact(chat, 'messages', true);
}

/**
 * Offers a person where the assistant's rules say so: after a question that holds one of their
 * words, or after so many in a row without an answer.
 * @param {Chat} chat @param {string} question the last one
 * @returns {boolean} whether a person is offered
 */
function offerPerson(chat, question) {
  const { panel, texts, profile: { handoff } } = chat;
  if (!handoff || chat.person) return false;
  const { words, after_unanswered: after } = handoff;
  let inRow = 0;
  for (const { messageId, state, abstained } of chat.conversation.entries) {
    if (messageId && state === 'done') inRow = abstained ? inRow + 1 : 0;
  }
  if (!words.some((word) => wordIn(question, word)) && !(after && inRow && inRow % after === 0)) return false;
  const leave = () => {
    panel.setAside();
    panel.input.focus();
  };
  panel.setAside(h('div', { class: 'card' }, h('p', { role: 'status' }, texts.offer),
    h('div', {},
      h('button', { type: 'button', class: 'strong', onclick: () => { panel.setAside(); panel.actions.person(); } }, texts.person),
      h('button', { type: 'button', class: 'plain', onclick: leave }, texts.skip))));
  return true;
}

/** Whether a text holds a word, by itself where its writing parts words. @param {string} text @param {string} word */
function wordIn(text, word) {
  const place = text.toLowerCase().indexOf(word.toLowerCase());
  if (place < 0 || /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(word)) return place >= 0;
  const escaped = word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+');
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'iu').test(text);
}

/** From now on a person is written to. @param {Chat} chat */
export function meetPerson(chat) {
  const person = (chat.person = new Person(chat));
  chat.panel.setEmpty(false);
  chat.panel.setAside(person.node);
  chat.panel.input.placeholder = chat.texts.write;
  return person;
}

export class Person {
  #left = new AbortController();

  /** @param {Chat} chat */
  constructor(chat) {
    this.chat = chat;
    this.texts = chat.texts;
    this.note = h('p', { role: 'status' });
    this.node = h('div', { class: 'card person-note' }, this.note,
      h('button', { type: 'button', class: 'plain', onclick: () => void this.leave() }, this.texts.back));
  }

  /** Asks for a person. @returns {Promise<boolean>} whether somebody is there */
  async begin() {
    const { client, conversation } = this.chat;
    const answer = await client.call('handoffs', {
      conversation_id: conversation.id || undefined, visitor: conversation.visitor,
    });
    const { id, conversation_id: whole, present, email, message } = await answer.json();
    conversation.handoff = id;
    conversation.id = whole;
    conversation.save();
    refill(this.note, present ? this.texts.waiting : message || this.texts.nobody, ' ',
      !present && email && h('a', { href: `mailto:${email}` }, email));
    void this.follow();
    return present;
  }

  /** Hears what is written until the hand-off is closed, over as many connections as it takes. */
  async follow() {
    const { client, conversation } = this.chat;
    const { signal } = this.#left;
    while (!signal.aborted && conversation.handoff) {
      try {
        const seen = Math.max(0, ...conversation.entries.filter(({ key }) => key.startsWith(conversation.handoff)).map(({ lastId }) => lastId));
        const response = await client.call(`handoffs/${conversation.handoff}/events`, null, {
          headers: { 'X-Candor-Visitor': conversation.visitor, 'Last-Event-ID': String(seen) }, signal,
        });
        if (!response.body) return;
        for await (const { name, data } of readEvents(response.body, () => undefined)) {
          if (signal.aborted) return;
          if (name === 'message') this.#hear(data);
          else if (data.state === 'closed') return this.#end();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (gone(error)) return this.#end();
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @param {Message} message */
  #hear(message) {
    if (message.sender === 'staff') refill(this.note, message.name || this.texts.staff);
    this.#show(message);
  }

  /** @param {Message} message */
  #show(message) {
    const { conversation, panel } = this.chat;
    const entry = conversation.addMessage(message);
    if (!entry) return;
    const view = this.chat.view(entry);
    panel.addLive(view);
    panel.finish(view);
  }

  /** @param {string} text */
  async say(text) {
    const { client, conversation, panel } = this.chat;
    try {
      const sent = await client.call(`handoffs/${conversation.handoff}/messages`, { text, visitor: conversation.visitor });
      this.#show(await sent.json());
    } catch (error) {
      panel.input.value = text; // to be sent again
      throw error;
    }
  }

  /** Goes back to the assistant. */
  async leave() {
    const { client, conversation } = this.chat;
    const { handoff } = conversation;
    this.#end();
    await client.call(`handoffs/${handoff}/close`, null, {
      method: 'POST', headers: { 'X-Candor-Visitor': conversation.visitor },
    });
  }

  stop() {
    this.#left.abort();
  }

  #end() {
    const { chat, texts } = this;
    chat.end();
    chat.panel.input.placeholder = texts.ask;
    chat.conversation.handoff = '';
    chat.conversation.save();
    chat.panel.setAside(h('p', { class: 'status', role: 'status' }, texts.ended));
  }
}

/** @param {unknown} error whether the hand-off is not there any more */
function gone(error) {
  const { fields } = /** @type {{ fields?: { status: number } }} */ (error);
  return fields !== undefined && fields.status >= 400 && fields.status < 500 && fields.status !== 429;
}
