/** One question with its answer, drawn from its entry again and again while the answer comes. */

import { annotate } from './annotate.js';
import { fill, h, icon, iconButton, refill } from './dom.js';
import { headings, path } from './heading.js';
import { feedback } from './feedback.js';
import { render } from './render.js';
import { say } from './texts.js';

/**
 * @typedef {import('./client.js').Citation} Citation
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 * @typedef {{ texts: Texts, retry(entry: Entry): void, rate(entry: Entry,
 *   verdict: import('./feedback.js').Verdict): void,
 *   rare(): Promise<typeof import('./rare.js')>, show(passage: Hit | Citation, citations: Citation[], entry: Entry,
 *   opener: HTMLElement): void }} Actions
 */

export class TurnView {
  /** @param {Entry} entry @param {Actions} actions */
  constructor(entry, actions) {
    this.entry = entry;
    this.actions = actions;
    this.body = h('div', { class: 'prose', dir: 'auto' });
    this.status = h('p', { class: 'status' });
    this.after = h('div', { class: 'after' });
    this.node = h('article', { class: 'turn' },
      h('h2', { class: 'question', dir: 'auto' }, entry.question),
      h('div', { class: 'answer' }, this.status, this.body, this.after));
    this.draw();
  }

  /** Draws the entry as it now is. */
  draw() {
    const { entry } = this;
    render(this.body, annotate(entry.answer, { cites: places(entry.citations) }), {
      cite: (index) => this.#cite(index),
    });
    const status = this.#status();
    this.status.hidden = !status;
    if (this.status.textContent !== status) this.status.textContent = status;
    this.status.className = `status ${entry.state}`;
    if (entry.state !== 'streaming') this.#finish();
    else if (this.after.firstChild) refill(this.after);
  }

  #status() {
    const { entry, actions: { texts } } = this;
    if (entry.state === 'streaming' && !entry.answer) {
      return entry.hits.length ? say(texts.reading, { n: entry.hits.length }) : texts.searching;
    }
    if (entry.state === 'stopped') return texts.stopped;
    return entry.state === 'failed' ? problemText(entry, texts) : entry.notice ?? '';
  }

  #finish() {
    const { entry, actions, actions: { texts } } = this;
    const thumbs = feedback(entry, texts, (verdict) => actions.rate(entry, verdict), actions.rare);
    const answered = entry.state === 'done';
    refill(this.after,
      entry.citations.length > 0 && this.#sources(),
      h('div', { class: 'actions' },
        ...(answered && navigator.clipboard ? [this.#copy()] : []),
        iconButton('retry', texts.retry, () => actions.retry(entry)),
        ...(answered ? thumbs.buttons : [])),
      thumbs.form,
      answered && entry.hits.length > 0 && this.#why());
  }

  #why() {
    const { entry, actions, actions: { texts } } = this;
    const details = h('details', {
      class: 'why',
      ontoggle: async () => {
        if (details.children.length > 1) return;
        const { whyThisAnswer } = await actions.rare();
        fill(details, whyThisAnswer(entry, texts, (hit, opener) => {
          actions.show(hit, entry.citations.filter((citation) => citation.chunk_id === hit.chunk_id), entry, opener);
        }));
      },
    }, h('summary', {}, texts.why));
    return details;
  }

  #sources() {
    const { texts } = this.actions;
    const { citations } = this.entry;
    const sources = citations.filter(({ id }, i) => citations.findIndex((other) => other.id === id) === i)
      .sort((a, b) => a.id - b.id);
    return h('ol', { class: 'sources', 'aria-label': texts.sources }, ...sources.map((citation) => {
      const hit = this.#hit(citation);
      const button = h('button', {
        type: 'button',
        onclick: () => this.#show(citation, citations.filter(({ id }) => id === citation.id), button),
      }, h('span', { class: 'number' }, String(citation.id)),
      h('span', { class: 'title', dir: 'auto' }, citation.title || citation.address),
      hit && path(headings(hit).slice(-1)));
      return h('li', {}, button);
    }));
  }

  /** @param {number} index of a citation @returns {HTMLElement | null} its numbered button */
  #cite(index) {
    const citation = this.entry.citations[index];
    if (!citation) return null;
    const button = h('button', {
      type: 'button', class: 'cite', 'aria-label': `${say(this.actions.texts.source, { n: citation.id })}: ${citation.title}`,
      onclick: () => this.#show(citation, [citation], button),
    }, String(citation.id));
    return button;
  }

  /** @param {Citation} citation @param {Citation[]} marked @param {HTMLElement} opener */
  #show(citation, marked, opener) {
    this.actions.show(this.#hit(citation) ?? citation, marked, this.entry, opener);
  }

  /** @param {Citation} citation */
  #hit(citation) {
    return this.entry.hits.find((hit) => hit.chunk_id === citation.chunk_id);
  }

  #copy() {
    const { texts } = this.actions;
    const button = iconButton('copy', texts.copy, async () => {
      const sources = this.entry.citations.map(({ id, title, address }) => `[${id}] ${title} ${address}`);
      await navigator.clipboard.writeText([this.entry.answer, ...new Set(sources)].join('\n'));
      refill(button, icon('done'), h('span', { class: 'unseen', role: 'status' }, texts.copied));
      setTimeout(() => refill(button, icon('copy')), 2000);
    });
    return button;
  }
}

/** What one of two people wrote. @param {Entry} entry @param {Texts} texts */
export function personView(entry, texts) {
  const staff = entry.person === 'staff';
  return {
    entry, draw() {}, node: h('article', { class: `turn person ${entry.person}` },
      staff && h('p', { class: 'label' }, entry.name || texts.staff),
      h('p', { class: 'question', dir: 'auto' }, entry.answer)),
  };
}

/**
 * Where the numbers stand: after each cited sentence, each number once.
 * @param {Citation[]} citations
 */
function places(citations) {
  const seen = new Set();
  return citations.map(({ id, sentence }, index) => ({ at: sentence[1], id: index, mark: `${id}@${sentence[1]}` }))
    .filter(({ mark }) => !seen.has(mark) && seen.add(mark));
}

/** @param {Entry} entry @param {Texts} texts */
function problemText({ problem }, texts) {
  if (!problem || problem.status === 0) return problem?.title ? problem.title : texts.offline;
  if (problem.status === 429) return texts.limit;
  if (problem.status === 401) return texts.signIn;
  return [texts.failed, problem.detail || problem.title, problem.action].filter(Boolean).join(' ');
}
