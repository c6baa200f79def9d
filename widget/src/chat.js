/** A conversation at work: asks, draws what comes, keeps it. */

import { Client, Problem } from './client.js';
import { Conversation } from './conversation.js';
import { h } from './dom.js';
import { Panel } from './panel.js';
import { TurnView } from './turn.js';

/**
 * @typedef {import('./client.js').ChatEvent} ChatEvent
 * @typedef {import('./client.js').Citation} Citation
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./client.js').Profile} Profile
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 */

export class Chat {
  /** @type {AbortController | null} */
  #running = null;
  #frame = 0;

  /**
   * @param {{ client: Client, assistant: string, visitor: string | null, profile: Profile,
   *   texts: Texts, layout: import('./panel.js').Layout, close(): void,
   *   emit(name: string, detail: unknown): void }} parts
   */
  constructor({ client, assistant, visitor, profile, texts, layout, close, emit }) {
    this.client = client;
    this.assistant = assistant;
    this.texts = texts;
    this.emit = emit;
    this.conversation = new Conversation(assistant, visitor);
    this.panel = new Panel(profile, texts, layout, {
      ask: (question) => void this.ask(question),
      stop: () => this.stop(),
      clear: () => this.clear(),
      save: () => this.#save(),
      close,
    });
    this.#drawAll();
  }

  /** Takes up an answer that a reload or a change of page interrupted. */
  resume() {
    const entry = this.conversation.entries[this.conversation.entries.length - 1];
    if (entry?.state === 'streaming') void this.#answer(entry);
  }

  /** @param {string} question @returns {Promise<void>} when the answer is there, or is not coming */
  async ask(question) {
    this.stop();
    const entry = this.conversation.begin(question);
    this.emit('message', { question, conversationId: this.conversation.id });
    await this.#answer(entry);
  }

  stop() {
    this.#running?.abort();
  }

  clear() {
    this.stop();
    this.conversation.clear();
    this.#drawAll();
    this.panel.input.focus();
  }

  /** @param {string | null} visitor */
  identify(visitor) {
    this.stop();
    this.conversation = new Conversation(this.assistant, visitor);
    this.#drawAll();
  }

  #drawAll() {
    const finished = this.conversation.entries.filter(({ state }) => state !== 'streaming');
    this.panel.replaceAll(finished.map((entry) => this.#view(entry)));
    this.panel.setEmpty(!this.conversation.entries.length);
  }

  /** @param {Entry} entry */
  #view(entry) {
    return new TurnView(entry, {
      texts: this.texts,
      retry: (again) => this.#retry(again),
      rate: (rated, verdict) => void this.#rate(rated, verdict),
      show: (passage, citations, opener) => this.#show(passage, citations, opener),
    });
  }

  /** @param {Entry} entry */
  async #answer(entry) {
    const { conversation, panel } = this;
    const running = new AbortController();
    this.#running = running;
    const view = this.#view(entry);
    panel.setEmpty(false);
    panel.setBusy(true);
    panel.addLive(view);
    const turn = {
      question: entry.question, conversationId: conversation.id, visitor: conversation.visitor,
      key: entry.key, lastId: entry.lastId, messageId: entry.messageId,
    };
    try {
      for await (const event of this.client.ask(turn, running.signal)) {
        receive(entry, event);
        entry.lastId = turn.lastId;
        conversation.id = event.data?.conversation_id ?? conversation.id;
        // What is kept may be some words behind: its number is too, and the server goes on from there.
        if (event.name !== 'message') conversation.save();
        this.#draw(view);
      }
      entry.state = 'done';
    } catch (error) {
      this.#failed(entry, error, running.signal.aborted);
    }
    cancelAnimationFrame(this.#frame);
    if (this.#running === running) {
      this.#running = null;
      panel.setBusy(false);
    }
    if (!conversation.entries.includes(entry) || conversation !== this.conversation) return;
    conversation.save();
    view.draw();
    panel.finish(view);
    if (entry.state === 'done') this.emit('answer', answerDetail(entry, conversation.id));
  }

  /** @param {Entry} entry @param {unknown} error @param {boolean} aborted by the visitor */
  #failed(entry, error, aborted) {
    entry.state = aborted ? 'stopped' : 'failed';
    if (aborted) return;
    if (!(error instanceof Problem)) throw error;
    entry.problem = error.fields;
    this.emit('error', entry.problem);
  }

  /** At most once a frame. @param {TurnView} view */
  #draw(view) {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => view.draw());
  }

  /** @param {Entry} entry */
  #retry(entry) {
    this.conversation.remove(entry);
    this.#drawAll();
    void this.ask(entry.question);
    this.panel.input.focus();
  }

  /** @param {Entry} entry @param {import('./feedback.js').Verdict} verdict */
  async #rate(entry, verdict) {
    const { id, visitor } = this.conversation;
    this.conversation.save();
    try {
      await this.client.feedback({ conversation_id: id, message_id: entry.messageId, visitor, ...verdict });
    } catch (error) {
      this.emit('error', Problem.of(error).fields);
    }
  }

  /** @param {Hit | Citation} passage @param {Citation[]} citations @param {HTMLElement} opener */
  #show(passage, citations, opener) {
    this.panel.passage.open(passage, citations, opener);
    this.emit('citation', { citation: citations[0] ?? null, title: passage.title, address: passage.address });
  }

  #save() {
    const address = URL.createObjectURL(new Blob([this.conversation.export()], { type: 'text/markdown' }));
    h('a', { href: address, download: 'conversation.md' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

/** @param {Entry} entry @param {ChatEvent} event */
function receive(entry, { name, data }) {
  if (name === 'restart') {
    Object.assign(entry, { answer: '', citations: [], hits: [], lastId: 0 });
  } else if (name === 'search_results') {
    entry.hits = data.hits;
    entry.query = data.query;
    entry.messageId = data.message_id;
  } else if (name === 'message') {
    entry.answer += data.delta;
  } else if (name === 'citation') {
    entry.citations.push(data);
  } else if (name === 'final_answer') {
    entry.answer = data.answer;
    entry.citations = data.citations;
    entry.abstained = data.abstained;
    entry.notice = data.notice;
    entry.messageId = data.message_id;
  }
}

/** @param {Entry} entry @param {string} conversationId */
function answerDetail({ messageId, answer, abstained, citations }, conversationId) {
  return { conversationId, messageId, answer, abstained, citations };
}
