/** `<candor-chat>`: attributes in, events out. The README lists both. */

import { Chat } from './chat.js';
import { Client, Problem } from './client.js';
import { palette, parseColour } from './colour.js';
import { h, iconButton, refill, set } from './dom.js';
import { loadRare } from './later.js';
import { keep, recall } from './storage.js';
import { pageSheet, styleSheets } from './style.js';
import { chooseLanguage, loadTexts, say } from './texts.js';

/**
 * @typedef {import('./client.js').Appearance} Appearance
 * @typedef {string | null | (() => string | Promise<string>)} Who
 */

const ACCENT = '#0b6e5f';
const SURFACES = { light: /** @type {const} */ ([255, 255, 255]), dark: /** @type {const} */ ([27, 26, 24]) };
const NARROW = '(max-width: 639px)';
const HERE = new URL(import.meta.url).origin;

export class CandorChat extends HTMLElement {
  static observedAttributes = 'assistant origin layout lang texts open theme accent side identity'.split(' ');

  #root = this.attachShadow({ mode: 'open', delegatesFocus: false });
  #dark = matchMedia('(prefers-color-scheme: dark)');
  #started = false;
  /** @type {AbortController | null} */
  #life = null;
  /** @type {Chat | null} */
  #chat = null;
  /** @type {Who} */
  #who = null;
  /** @type {import('./client.js').PageContext | null} */
  #page = null;
  /** @type {Appearance} */
  #appearance = {};
  /** What the loader asked for: the profile, and texts by their language. @type {Record<string, Promise<Response>>} */
  #asked = /** @type {any} */ (this).asked ?? {};
  #frame = h('div', { class: 'frame' });
  /** @type {HTMLElement | null} */
  #launcher = null;

  connectedCallback() {
    this.#started = true;
    this.#root.adoptedStyleSheets = styleSheets();
    this.#restart();
  }

  disconnectedCallback() {
    this.#started = false;
    this.#end();
  }

  #end() {
    this.#life?.abort();
    this.#chat?.stop();
    this.#chat?.end();
    this.#chat = null;
  }

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (old === value || !this.#started) return; // attributes come before the connection
    if (name === 'open') this.#drawOpen();
    else if (['theme', 'accent', 'side'].includes(name)) this.#drawTheme();
    else this.#restart();
  }

  /** Opens the panel and moves the focus into it. */
  open() {
    set(this, 'open', true);
    this.#chat?.panel.input.focus();
  }

  close() {
    set(this, 'open', false);
    this.#launcher?.focus();
  }

  /** @param {string} question @returns {Promise<void>} settles when the answer is there */
  async ask(question) {
    if (!this.#chat) throw new Error('candor-chat: wait for candor:ready');
    set(this, 'open', true);
    await this.#chat.ask(question);
  }

  /**
   * Says who the visitor is.
   * @param {Who} who a token that the website signed, what gets a new one, or the site's own
   *   unguessable name for its visitor, which proves nothing; null: nobody it knows
   */
  async identify(who) {
    this.#who = who;
    if (this.#chat) this.#chat.identify(await this.#name(this.#chat.client));
  }

  /** What the website says of its page: data for the answer, never an instruction. */
  get page() {
    return this.#page;
  }

  set page(page) {
    this.#page = page;
    if (this.#chat) this.#chat.page = page;
  }

  #told() {
    const who = this.#who ?? this.getAttribute('identity');
    return typeof who === 'function' ? who() : who;
  }

  /** @param {Client} client @returns {Promise<string | null>} what separates visitors in this browser */
  async #name(client) {
    client.session = async () => '';
    try {
      const told = await this.#told();
      if (told?.split('.').length !== 3) return told;
      return await (await loadRare(this.nonce)).identifyBy(client, told, async () => await this.#told() ?? '');
    } catch (error) {
      this.#emit('error', Problem.of(error).fields);
      return null;
    }
  }

  /** Deletes the conversation, here and on the server. */
  clear() {
    this.#chat?.clear();
  }

  /** @returns {'launcher' | 'inline' | 'page'} */
  get #layout() {
    const layout = this.getAttribute('layout');
    return layout === 'inline' || layout === 'page' ? layout : 'launcher';
  }

  async #restart() {
    this.#end();
    const assistant = this.getAttribute('assistant');
    if (!assistant) return;
    const life = (this.#life = new AbortController());
    const client = new Client(this.getAttribute('origin') ?? HERE, assistant);
    const asked = this.#asked;
    this.#asked = {}; // good once
    try {
      // A website has a language; a page of its own speaks its visitor's.
      const likely = [this.#layout === 'page' ? '' : document.documentElement.lang, ...navigator.languages];
      // Usually the right one, so it travels while the profile does.
      const guess = chooseLanguage([this.lang, ...likely]);
      const [profile, likelyTexts, looks] = await Promise.all([
        client.profile(asked.profile),
        loadTexts(guess, asked[guess]),
        this.#layout === 'page' ? pageSheet() : null,
      ]);
      const appearance = (this.#appearance = profile.appearance ?? {});
      if (looks) this.#root.adoptedStyleSheets = [...styleSheets(), looks];
      const language = chooseLanguage([this.lang, appearance.lang, ...likely]);
      const texts = /** @type {import('./texts.js').Texts} */ ({
        ...language === guess ? likelyTexts : await loadTexts(language), ...appearance.texts, ...JSON.parse(this.getAttribute('texts') ?? '{}'),
      });
      const visitor = await this.#name(client);
      if (life.signal.aborted) return;
      this.#build(client, assistant, visitor, profile, texts, language);
      this.#listen(life.signal);
      this.#chat?.resume();
      this.#emit('ready', { name: profile.name, language });
      // On a page of its own the visitor came to ask; a frame must not draw its page to itself, and on
      // a small screen the keyboard would hide half of it.
      if (this.#layout === 'page' && self === top && !matchMedia(NARROW).matches) this.#chat?.panel.input.focus();
    } catch (error) {
      if (life.signal.aborted) return;
      await this.#fail(error);
    }
  }

  /**
   * @param {Client} client @param {string} assistant @param {string | null} visitor @param {import('./client.js').Profile} profile
   * @param {import('./texts.js').Texts} texts @param {string} language
   */
  #build(client, assistant, visitor, profile, texts, language) {
    this.#chat = new Chat({
      client, assistant, profile, texts, language, layout: this.#layout, visitor,
      close: () => this.close(), emit: (name, detail) => this.#emit(name, detail),
    });
    this.#chat.page = this.#page;
    const launched = this.#layout === 'launcher';
    this.#launcher = launched ? iconButton('chat', say(texts.open, { name: profile.name }), () => this.open(), 'launcher') : null;
    this.#chat.panel.node.hidden = launched;
    set(this.#frame, 'lang', language);
    set(this.#frame, 'dir', this.dir || (language === 'ar' ? 'rtl' : 'ltr'));
    set(this.#frame, 'data-layout', this.#layout);
    refill(this.#frame, this.#launcher, this.#chat.panel.node);
    refill(this.#root, this.#frame);
    this.#drawTheme();
    // A panel that was open on the last page is open on this one, where it covers only a corner.
    if (recall('sessionStorage', this.#openKey) && !matchMedia(NARROW).matches) set(this, 'open', true);
    this.#drawOpen();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.#dark.addEventListener('change', () => this.#drawTheme(), { signal });
    this.#frame.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      if (this.#chat?.panel.passage.isOpen) this.#chat.panel.passage.close();
      else if (this.#launcher) this.close();
    }, { signal });
    // Over the whole screen nothing behind the panel may get the focus. Moves within do not come here.
    this.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget && this.#launcher && this.hasAttribute('open') && matchMedia(NARROW).matches) this.open();
    }, { signal });
  }

  get #openKey() {
    return `candor:${this.getAttribute('assistant')}:open`;
  }

  #drawOpen() {
    if (!this.#chat || !this.#launcher) return;
    const open = this.hasAttribute('open');
    const { node } = this.#chat.panel;
    set(this.#launcher, 'aria-expanded', String(open));
    if (node.hidden === !open) return;
    node.hidden = !open;
    set(this.#frame, 'data-open', open);
    keep('sessionStorage', this.#openKey, open ? '1' : '');
    this.#emit(open ? 'open' : 'close', null);
  }

  #drawTheme() {
    const style = getComputedStyle(this);
    const wanted = this.getAttribute('theme') ?? this.#appearance.theme;
    const theme = wanted === 'dark' || wanted === 'light' ? wanted : this.#dark.matches ? 'dark' : 'light';
    set(this.#frame, 'data-theme', theme);
    set(this.#frame, 'data-side', this.getAttribute('side') ?? this.#appearance.side ?? 'end');
    const colours = [style.getPropertyValue('--candor-accent').trim(), this.getAttribute('accent'), this.#appearance.accent, ACCENT];
    const accent = colours.map((colour) => parseColour(colour ?? '')).find(Boolean);
    if (!accent) return;
    const properties = palette(accent, [...SURFACES[theme]]);
    for (const name of Object.keys(properties)) this.#frame.style.setProperty(name, properties[name]);
  }

  /** @param {unknown} error */
  async #fail(error) {
    if (!(error instanceof Problem)) console.error('candor-chat:', error);
    this.#emit('error', Problem.of(error).fields);
    if (this.#layout === 'launcher') return; // a page without its assistant shows no broken button
    set(this.#frame, 'data-layout', this.#layout);
    refill(this.#frame, h('p', { class: 'absent', role: 'alert' }, (await loadTexts(chooseLanguage([this.lang, ...navigator.languages]))).absent));
    refill(this.#root, this.#frame);
    this.#drawTheme();
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`candor:${name}`, { detail, bubbles: true, composed: true }));
  }
}
