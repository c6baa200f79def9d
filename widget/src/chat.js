/** A conversation at work: asks, draws what comes, keeps it. */

import { Client, Problem } from './client.js';
import { Conversation } from './conversation.js';
import { loadRare } from './later.js';
import { Panel } from './panel.js';
import { TurnView, personView } from './turn.js';

/**
 * @typedef {import('./client.js').ChatEvent} ChatEvent
 * @typedef {import('./client.js').Citation} Citation
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./client.js').PageContext} PageContext
 * @typedef {import('./client.js').Profile} Profile
 * @typedef {import('./conversation.js').Entry} Entry
 * @typedef {import('./texts.js').Texts} Texts
 */

export class Chat {
  /** @type {AbortController | null} */
  #running = null;
  #frame = 0;
  /** Who of the staff is spoken to, where a person has been asked for. @type {import('./handoff.js').Person | null} */
  person = null;
  /** What the website says of its page. @type {PageContext | null} */
  page = null;

  /**
   * @param {{ client: Client, assistant: string, visitor: string | null, profile: Profile,
   *   texts: Texts, language: string, layout: import('./panel.js').Layout, close(): void,
   *   emit(name: string, detail: unknown): void }} parts
   */
  constructor({ client, assistant, visitor, profile, texts, language, layout, close, emit }) {
    this.client = client;
    this.assistant = assistant;
    this.profile = profile;
    this.texts = texts;
    this.language = language;
    this.emit = emit;
    this.conversation = new Conversation(assistant, visitor);
    this.panel = new Panel(profile, texts, layout, {
      ask: (question) => void this.ask(question),
      stop: () => this.stop(),
      clear: () => this.#rarely((rare) => rare.confirmRemoval(this.panel.node, texts, () => this.clear())),
      save: () => this.#rarely((rare) => rare.download(this.conversation.entries)),
      person: () => this.#rarely((rare) => rare.askForPerson(this)),
      close,
    });
    this.#drawAll();
  }

  /** Takes up an answer, or a talk to a person, that a reload or a change of page interrupted. */
  resume() {
    const { entries, handoff } = this.conversation;
    const entry = entries[entries.length - 1];
    if (entry?.state === 'streaming') void this.#answer(entry);
    if (handoff) void this.#rarely((rare) => rare.meetPerson(this).follow());
  }

  /** @param {string} question @returns {Promise<void>} when the answer is there, or is not coming */
  async ask(question) {
    this.stop();
    if (this.person) {
      await this.#rarely(() => this.person?.say(question));
      return;
    }
    const { conversation, profile: { leads, handoff } } = this;
    if (leads?.when.includes('before_chat')) await this.#rarely((rare) => rare.askForContact(this, 'before_chat', !leads.required));
    const entry = conversation.begin(question);
    this.emit('message', { question, conversationId: conversation.id });
    await this.#answer(entry);
    if (entry.state !== 'done' || conversation !== this.conversation) return;
    if (leads || handoff?.after_unanswered || handoff?.words?.length) void this.#rarely((rare) => rare.askAfter(this, entry));
  }

  stop() {
    this.#running?.abort();
  }

  /** Deletes the conversation, here and on the server. */
  clear() {
    const { id, visitor } = this.conversation;
    this.#leave();
    this.conversation.clear();
    this.#drawAll();
    this.panel.input.focus();
    if (!id) return;
    const headers = { 'X-Candor-Visitor': visitor };
    void this.#try(() => this.client.call(`conversations/${id}`, null, { method: 'DELETE', headers }));
  }

  /** @param {string | null} visitor */
  identify(visitor) {
    this.#leave();
    this.conversation = new Conversation(this.assistant, visitor);
    this.#drawAll();
    this.resume();
  }

  /** Stops whatever goes on with this conversation. */
  #leave() {
    this.stop();
    this.end();
    this.panel.input.placeholder = this.texts.ask;
  }

  /** Hears of no person any more, as where the element leaves its page. */
  end() {
    this.person?.stop();
    this.person = null;
  }

  #drawAll() {
    const finished = this.conversation.entries.filter(({ state }) => state !== 'streaming');
    this.panel.replaceAll(finished.map((entry) => this.view(entry)));
    this.panel.setEmpty(!this.conversation.entries.length);
  }

  /** @param {Entry} entry */
  view(entry) {
    if (entry.person) return personView(entry, this.texts);
    return new TurnView(entry, {
      texts: this.texts,
      retry: (again) => this.#retry(again),
      rate: (rated, verdict) => void this.#rate(rated, verdict),
      rare: () => this.#rare(),
      show: (passage, citations, shown, opener) => this.#show(passage, citations, shown, opener),
    });
  }

  /** @param {Entry} entry */
  async #answer(entry) {
    const { conversation, panel } = this;
    const running = new AbortController();
    this.#running = running;
    const view = this.view(entry);
    panel.setEmpty(false);
    panel.setBusy(true);
    panel.addLive(view);
    const turn = {
      question: entry.question, conversationId: conversation.id, visitor: conversation.visitor,
      key: entry.key, lastId: entry.lastId, messageId: entry.messageId, page: this.page,
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

  /** At most once a frame. @param {{ draw(): void }} view */
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
    await this.#try(() => this.client.call('feedback', { conversation_id: id, message_id: entry.messageId, visitor, ...verdict }));
  }

  /** @param {Hit | Citation} passage @param {Citation[]} citations @param {Entry} entry @param {HTMLElement} opener */
  #show(passage, citations, entry, opener) {
    const rank = entry.hits.findIndex((hit) => hit.chunk_id === passage.chunk_id) + 1 || undefined;
    /** @param {string} kind @param {number} [milliseconds] */
    const track = (kind, milliseconds) => {
      this.#track(entry, kind, { chunk_id: passage.chunk_id, rank, milliseconds });
    };
    this.panel.passage.open(passage, citations, opener, track);
    track('citation');
    this.emit('citation', { citation: citations[0] ?? null, title: passage.title, address: passage.address });
  }

  /** Tells the server what was done after an answer: not by whom. @param {Entry} entry @param {string} kind @param {object} [more] */
  #track(entry, kind, more) {
    const events = [{ message_id: entry.messageId, kind, ...more }];
    this.client.call('events', { visitor: this.conversation.visitor, events }, { keepalive: true })
      .catch(() => undefined); // the conversation goes on without it
  }

  async #rare() {
    const root = /** @type {ShadowRoot} */ (this.panel.node.getRootNode());
    const rare = await loadRare(/** @type {HTMLElement} */ (root.host).nonce);
    await rare.dress(root, this.texts, this.language);
    return rare;
  }

  /** @param {(rare: typeof import('./rare.js')) => unknown} act with what few visitors use */
  #rarely(act) {
    return this.#try(async () => act(await this.#rare()));
  }

  /** Tells the website of what does not work. @param {() => unknown} act */
  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.emit('error', Problem.of(error).fields);
    }
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
    const { answer, citations, abstained, notice, message_id: messageId } = data;
    Object.assign(entry, { answer, citations, abstained, notice, messageId });
  }
}

/** @param {Entry} entry @param {string} conversationId */
function answerDetail({ messageId, answer, abstained, citations }, conversationId) {
  return { conversationId, messageId, answer, abstained, citations };
}
