/** The frame around a conversation: header, scrolling log, suggestions, composer, passage. */

import { h, icon, iconButton, refill, set } from './dom.js';
import { PassageView } from './passage.js';

/**
 * @typedef {import('./client.js').Profile} Profile
 * @typedef {import('./texts.js').Texts} Texts
 * @typedef {{ node: HTMLElement }} TurnView one turn
 * @typedef {'launcher' | 'inline' | 'page'} Layout
 * @typedef {{ ask(question: string): void, stop(): void, clear(): void, save(): void,
 *   person(): void, close(): void }} Actions
 */

const LONGEST_QUESTION = 4000;
const TALLEST = 6;

export class Panel {
  /** @param {Profile} profile @param {Texts} texts @param {Layout} layout @param {Actions} actions */
  constructor(profile, texts, layout, actions) {
    this.profile = profile;
    this.texts = texts;
    this.actions = actions;
    this.passage = new PassageView(texts);
    this.log = h('div', { role: 'log', 'aria-label': profile.name });
    this.live = h('div', { class: 'live' });
    this.aside = h('div'); // what is asked of the visitor beside their questions
    this.scroll = h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': profile.name }, this.#welcome(layout), this.log, this.live, this.aside);
    this.suggestions = this.#suggestions();
    this.input = h('textarea', {
      rows: '1', maxlength: LONGEST_QUESTION, placeholder: texts.ask, 'aria-label': texts.ask, dir: 'auto',
      enterkeyhint: 'send', onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event), oninput: () => this.#grow(),
    });
    this.send = h('button', { class: 'send strong' });
    this.tools = h('div', { class: 'tools' },
      iconButton('save', texts.save, actions.save),
      iconButton('fresh', texts.fresh, actions.clear));
    this.person = iconButton('person', texts.person, actions.person);
    this.person.hidden = !profile.handoff;
    const composer = h('form', { class: 'composer', onsubmit: (/** @type {Event} */ event) => this.#submit(event) }, this.input, this.send);
    const below = layout === 'page' ? [composer, this.suggestions] : [this.suggestions, composer];
    this.node = h('section', {
      class: 'panel', id: 'panel', role: layout === 'launcher' ? 'dialog' : 'region', 'aria-label': profile.name,
    },
    this.#header(layout),
    h('div', { class: 'main' }, h('div', { class: 'column' }, this.scroll, ...below), this.passage.node));
    this.busy = false;
    this.#drawSend();
  }

  /** @param {boolean} busy whether an answer is coming: then the button stops it */
  setBusy(busy) {
    this.busy = busy;
    this.#drawSend();
  }

  /** @param {boolean} empty whether nothing has been asked yet */
  setEmpty(empty) {
    set(this.node, 'data-empty', empty);
    this.suggestions.hidden = !empty || !this.profile.suggestions.length;
    this.tools.hidden = empty;
  }

  /**
   * An answer that is coming stands outside the log: screen readers then hear it once, when it is
   * finished and moves in.
   * @param {TurnView} turn
   */
  addLive(turn) {
    refill(this.live, turn.node);
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {TurnView} turn */
  finish(turn) {
    const focused = /** @type {ShadowRoot} */ (this.node.getRootNode()).activeElement;
    const top = this.scroll.scrollTop;
    this.log.appendChild(turn.node);
    this.scroll.scrollTop = top;
    if (focused instanceof HTMLElement && turn.node.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** Shows what is asked of the visitor. @param {(HTMLElement | null | undefined)[]} nodes none: nothing any more */
  setAside(...nodes) {
    refill(this.aside, ...nodes);
    set(this.scroll, 'data-aside', nodes.some(Boolean));
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {TurnView[]} turns */
  replaceAll(turns) {
    refill(this.log, ...turns.map((turn) => turn.node));
    refill(this.live);
    refill(this.aside);
    this.passage.node.hidden = true;
  }

  /** @param {Layout} layout */
  #header(layout) {
    const { logo } = this.profile.appearance;
    const sign = logo?.startsWith('https://') ? h('img', { src: logo, alt: '' }) : icon('chat');
    return h('header', {}, h('span', { class: 'sign' }, sign), h('p', { class: 'name', dir: 'auto' }, this.profile.name),
      this.person, this.tools,
      layout === 'launcher' && iconButton('close', this.texts.close, this.actions.close));
  }

  /** @param {Layout} layout */
  #welcome(layout) {
    return h('div', { class: 'welcome', dir: 'auto' }, layout === 'page' && h('h1', {}, this.profile.name),
      h('p', {}, this.profile.welcome || this.texts.ask));
  }

  #suggestions() {
    return h('ul', { class: 'suggestions', 'aria-label': this.texts.suggestions }, ...this.profile.suggestions.map((question) => (
      h('li', {}, h('button', { type: 'button', dir: 'auto', onclick: () => this.actions.ask(question) }, question)))));
  }

  #drawSend() {
    const label = this.busy ? this.texts.stop : this.texts.send;
    set(this.send, 'aria-label', label);
    set(this.send, 'title', label);
    refill(this.send, icon(this.busy ? 'stop' : 'send'));
  }

  #grow() {
    this.input.rows = 1;
    while (this.input.rows < TALLEST && this.input.scrollHeight > this.input.clientHeight) this.input.rows += 1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // While an input method composes a word, Enter ends the word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.busy) this.#ask();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (this.busy) this.actions.stop();
    else this.#ask();
  }

  #ask() {
    const question = this.input.value.trim();
    if (!question) return;
    this.input.value = '';
    this.#grow();
    this.actions.ask(question);
  }
}
