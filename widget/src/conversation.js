/** What this browser keeps: the visitor's name and the questions and answers of one conversation. */

import { keep, recall } from './storage.js';

/**
 * @typedef {import('./client.js').Hit} Hit
 * @typedef {import('./client.js').Citation} Citation
 * @typedef {import('./client.js').Problem} Problem
 * @typedef {'streaming' | 'done' | 'stopped' | 'failed'} State
 * @typedef {{ question: string, answer: string, citations: Citation[], hits: Hit[], state: State,
 *   abstained: boolean, messageId: string, lastId: number, key: string, at: number,
 *   query?: string, notice?: string, helpful?: boolean, person?: string, name?: string, problem?: { title: string, detail: string, status: number, action: string }
 * }} Entry one question with its answer, or (`person`: `visitor` or `staff`) what one of two people
 *   wrote in `answer`; `at` in milliseconds since 1970
 */

const KEPT = 50;

/** An interrupted answer is fetched again after a reload only while the server may still hold it. */
const RESUMABLE_MS = 120_000;

export class Conversation {
  /** @type {Entry[]} */
  entries = [];
  id = '';
  /** Whether contact details were asked for already. */
  asked = false;
  /** The hand-off that is on. */
  handoff = '';

  /** @param {string} assistant public key @param {string | null} visitor the site's own name for them */
  constructor(assistant, visitor = null) {
    this.place = `candor:${assistant}${visitor ? `:${visitor}` : ''}`;
    const kept = read(this.place);
    this.visitor = visitor ?? kept.visitor ?? randomName();
    const { id = '', entries = [], asked = false, handoff = '' } = kept;
    Object.assign(this, { id, entries, asked, handoff });
    for (const entry of this.entries) {
      if (entry.state === 'streaming' && Date.now() - entry.at > RESUMABLE_MS) entry.state = 'stopped';
    }
  }

  /** @param {string} question @returns {Entry} */
  begin(question) {
    return this.#add({ question, key: randomName() });
  }

  /**
   * @param {{ id: number, sender: string, name: string, text: string }} message of a hand-off
   * @returns {Entry | null} null where it is there already
   */
  addMessage({ id, sender, name, text }) {
    const key = `${this.handoff}:${id}`;
    if (this.entries.some((entry) => entry.key === key)) return null;
    return this.#add({ answer: text, state: 'done', lastId: id, key, person: sender, name });
  }

  /** @param {Partial<Entry> & { key: string }} more @returns {Entry} */
  #add(more) {
    /** @type {Entry} */
    const entry = {
      question: '', answer: '', citations: [], hits: [], state: 'streaming', abstained: false,
      messageId: '', lastId: 0, at: Date.now(), ...more,
    };
    this.entries.push(entry);
    this.save();
    return entry;
  }

  /** @param {Entry} entry */
  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.save();
  }

  clear() {
    this.entries = [];
    this.id = this.handoff = '';
    this.asked = false;
    this.save();
  }

  save() {
    const entries = this.entries.slice(-KEPT).map(compact);
    const { visitor, id, asked, handoff } = this;
    keep('localStorage', this.place, JSON.stringify(arraysAsArrays({ visitor, id, asked, handoff, entries })));
  }
}

/**
 * Cited passages are kept whole, so that a citation can be opened after a reload; of the others
 * only what "Why this answer" lists.
 * @param {Entry} entry
 * @returns {Entry}
 */
function compact(entry) {
  const cited = new Set(entry.citations.map((citation) => citation.chunk_id));
  const hits = entry.hits.map((hit) => (cited.has(hit.chunk_id) ? hit : { ...hit, text: '' }));
  return { ...entry, hits };
}

/**
 * Some old libraries give every array a `toJSON` that turns it into text.
 * @template T
 * @param {T} value
 * @returns {T} the same, in which arrays serialise as arrays
 */
function arraysAsArrays(value) {
  if (Array.isArray(value)) Object.defineProperty(value, 'toJSON', { value: null });
  if (value && typeof value === 'object') Object.values(value).forEach(arraysAsArrays);
  return value;
}

export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} place @returns {{ visitor?: string, id?: string, asked?: boolean, handoff?: string, entries?: Entry[] }} */
function read(place) {
  try {
    const kept = JSON.parse(recall('localStorage', place) || '{}');
    return Array.isArray(kept.entries) ? kept : {};
  } catch {
    return {}; // another script wrote there: begin anew
  }
}
