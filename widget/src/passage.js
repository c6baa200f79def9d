/** The passage behind a citation: its place, its text with the cited words marked, and its page. */

import { annotate } from './annotate.js';
import { h, icon, iconButton, refill } from './dom.js';
import { headings, path } from './heading.js';
import { passageAddress, safeAddress } from './links.js';
import { render } from './render.js';
import { say } from './texts.js';

/**
 * @typedef {import('./client.js').Citation} Citation
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./texts.js').Texts} Texts
 */

export class PassageView {
  /** @type {HTMLElement | null} */
  #opener = null;
  /** @type {(kind: 'dwell' | 'visit', milliseconds?: number) => void} */
  #track = () => undefined;
  #since = 0;

  /** @param {Texts} texts */
  constructor(texts) {
    this.texts = texts;
    this.node = h('aside', { class: 'passage', tabindex: '-1', hidden: true });
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /**
   * @param {Hit | Citation} passage a hit, or a citation whose passage is not known here
   * @param {Citation[]} citations of this passage
   * @param {HTMLElement} opener gets the focus back
   * @param {(kind: 'dwell' | 'visit', milliseconds?: number) => void} track is told what is done with it
   */
  open(passage, citations, opener, track) {
    this.#dwelt();
    this.#opener = opener;
    this.#track = track;
    this.#since = Date.now();
    const text = 'text' in passage ? passage.text : '';
    const body = h('div', { class: 'prose', dir: 'auto' });
    render(body, annotate(text, { lit: citations.map(({ span }) => span) }), { cite: () => null });
    refill(
      this.node,
      h('div', { class: 'bar' },
        iconButton('back', this.texts.close, () => this.close()),
        h('p', { class: 'label' }, this.#label(passage, citations))),
      h('div', { class: 'leaf', tabindex: '0' },
        h('h2', { dir: 'auto' }, passage.title || passage.address),
        path(headings(passage)),
        body,
        this.#visit(passage, text, citations)),
    );
    this.node.setAttribute('aria-label', passage.title || passage.address);
    this.node.hidden = false;
    const mark = body.querySelector('mark');
    if (mark) mark.scrollIntoView({ block: 'center' });
    this.node.focus({ preventScroll: true });
  }

  close() {
    if (!this.isOpen) return;
    this.#dwelt();
    this.node.hidden = true;
    this.#opener?.focus({ preventScroll: true });
  }

  #dwelt() {
    if (this.isOpen) this.#track('dwell', Date.now() - this.#since);
  }

  /** @param {Hit | Citation} passage @param {Citation[]} citations */
  #label(passage, citations) {
    const parts = citations.slice(0, 1).map(({ id }) => say(this.texts.source, { n: id }));
    if ('page' in passage && passage.page !== null) parts.push(say(this.texts.page, { n: passage.page }));
    if ('seconds' in passage && passage.seconds !== null) parts.push(clock(passage.seconds));
    return parts.join(' · ');
  }

  /** @param {Hit | Citation} passage @param {string} text @param {Citation[]} citations */
  #visit(passage, text, citations) {
    if (!safeAddress(passage.address)) return path([passage.address.split('/').pop() ?? '']); // a file's name
    const cited = citations.length ? [...text].slice(...citations[0].span).join('') : '';
    return h('a', {
      class: 'visit', href: passageAddress(passage, cited), target: '_blank', rel: 'noopener', onclick: () => this.#track('visit'),
    }, this.texts.visit, icon('link'), h('span', { class: 'unseen' }, ` (${this.texts.newTab})`));
  }
}

/** @param {number} seconds */
function clock(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return (parts[0] ? parts : parts.slice(1)).map((n, i) => (i ? String(n).padStart(2, '0') : n)).join(':');
}
