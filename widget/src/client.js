/** Everything that travels between the widget and a Candor server. */

import { readEvents } from './stream.js';

/**
 * @typedef {{ rank: number, score: number, part: number }} ArmScore
 * @typedef {{ chunk_id: string, document_id: string, title: string, address: string,
 *   heading: string[], text: string, score: number, page: number | null, seconds: number | null,
 *   arms?: Record<string, ArmScore> }} Hit
 * @typedef {{ id: number, sentence: [number, number], chunk_id: string, span: [number, number],
 *   address: string, title: string }} Citation
 * @typedef {{ conversation_id: string, message_id: string, answer: string, abstained: boolean,
 *   citations: Citation[], took_ms: number, model: string, notice?: string }} FinalAnswer
 * @typedef {{ accent?: string, theme?: string, side?: string, logo?: string, lang?: string,
 *   texts?: Record<string, string> }} Appearance
 * @typedef {{ when: string[], after: number, fields: string[], required: boolean, consent: string }} LeadRules
 * @typedef {{ present: boolean, email: string, message: string, after_unanswered: number, words: string[] }} HandoffOffer
 * @typedef {{ name: string, welcome: string, suggestions: string[], appearance: Appearance,
 *   session?: { token: string, expires_in: number } | null, leads?: LeadRules | null, handoff?: HandoffOffer | null }} Profile
 * @typedef {{ title?: string, address?: string, text?: string }} PageContext
 * @typedef {{ question: string, conversationId: string, visitor: string, key: string, lastId: number,
 *   messageId: string, page: PageContext | null }} Turn what is asked, and how far its answer has come; kept up to date here
 * @typedef {{ name: 'restart' | 'search_results' | 'message' | 'citation' | 'final_answer',
 *   data: any }} ChatEvent
 */

/** A refusal or a failure, in the words of a problem document (RFC 9457). */
export class Problem extends Error {
  /** @param {{ title?: string, detail?: string, status?: number, action?: string }} fields */
  constructor({ title = '', detail = '', status = 0, action = '' }) {
    super(title || detail);
    this.fields = { title, detail, status, action };
  }

  /** @param {unknown} error @returns {Problem} the error itself, or a problem that tells of it */
  static of(error) {
    return error instanceof Problem ? error : new Problem({ detail: String(error) });
  }
}

/** The connection broke, or nothing came for too long: worth another try. */
class Broken extends Error {}

/** Milliseconds. The server sends a heartbeat every 15 s. */
export const PATIENCE = { first: 8000, silence: 40000, whole: 120000, retries: [500, 1500, 4000] };

/** Milliseconds of a session's second: one is left before its time, for clocks differ, and an answer takes its time. */
export const OF_ITS_TIME = 800;

export class Client {
  /**
   * @param {string} origin of the Candor server
   * @param {string} assistant public key
   * @param {typeof PATIENCE} [patience]
   */
  constructor(origin, assistant, patience = PATIENCE) {
    this.address = `${origin}/api/v1/assistants/${encodeURIComponent(assistant)}`;
    this.patience = patience;
    /** Gets the session of a visitor whom the website names. @type {() => Promise<string>} */
    this.session = async () => '';
    /** That of all others, and when it is over. @type {Profile['session']} */
    this.begun = null;
    this.until = NaN;
    this.buffered = false; // whether a proxy held a stream back: then whole answers are asked for
  }

  /**
   * @param {Promise<Response>} [asked] the answer, where it was asked for before
   * @returns {Promise<Profile>}
   */
  async profile(asked) {
    const profile = await (await this.#send(this.address, {}, asked)).json();
    this.begun = profile.session;
    this.until = Date.now() + profile.session?.expires_in * OF_ITS_TIME;
    return profile;
  }

  /**
   * @param {string} path below the assistant's address
   * @param {Record<string, unknown> | null} body sent with `POST`; null: nothing is sent
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  call(path, body, init = {}) {
    return this.#send(`${this.address}/${path}`, { ...(body ? post(body, {}) : {}), ...init });
  }

  /**
   * Asks, and yields the events of the answer, each once. A broken connection is taken up again:
   * events already seen are skipped, and where the server had to answer anew, `restart` comes
   * first. Ends after `final_answer`.
   * @param {Turn} turn
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<ChatEvent>}
   * @throws {Problem} on a refusal, an error event, or when every retry broke
   */
  async *ask(turn, signal) {
    for (let attempt = 0; ; attempt++) {
      try {
        yield* this.#attempt(turn, signal);
        return;
      } catch (error) {
        if (!(error instanceof Broken) || signal.aborted) throw error;
        if (attempt >= this.patience.retries.length) throw new Problem({ detail: error.message });
        await pause(this.patience.retries[attempt], signal);
      }
    }
  }

  /** @param {Turn} turn @param {AbortSignal} signal @returns {AsyncGenerator<ChatEvent>} */
  async *#attempt(turn, signal) {
    const watch = watchOver(signal);
    let heard = false;
    try {
      watch.wait(this.buffered ? this.patience.whole : this.patience.first);
      const response = await this.#send(`${this.address}/chat`, {
        ...post(question(turn, !this.buffered), headers(turn, this.buffered)),
        signal: watch.signal,
      });
      const type = response.headers.get('content-type') ?? '';
      if (!response.body || !type.startsWith('text/event-stream')) {
        watch.wait(this.patience.whole);
        yield { name: 'final_answer', data: await response.json() };
        return;
      }
      const onActivity = () => {
        heard = true;
        watch.wait(this.patience.silence);
      };
      for await (const event of readEvents(response.body, onActivity)) {
        signal.throwIfAborted(); // what was read before the visitor stopped is not shown after
        if (event.name === 'error') throw new Problem(event.data);
        const restarted = event.name === 'search_results' && follows(turn, event.data.message_id);
        if (restarted) yield { name: 'restart', data: null };
        if (event.id !== null && event.id <= turn.lastId) continue;
        turn.lastId = event.id ?? turn.lastId;
        yield /** @type {ChatEvent} */ (event);
        if (event.name === 'final_answer') return;
      }
      throw new Broken('The connection was lost.');
    } catch (error) {
      if (error instanceof Problem || error instanceof Broken || signal.aborted) throw error;
      if (watch.signal.aborted && !heard) this.buffered = true;
      throw new Broken(error instanceof Error ? error.message : String(error));
    } finally {
      watch.stop();
    }
  }

  /** @param {string} address @param {RequestInit} init @param {Promise<Response>} [asked] */
  async #send(address, init, asked) {
    let session = await this.session();
    if (!session && address !== this.address) {
      if (this.until < Date.now()) await this.profile();
      session = this.begun?.token ?? '';
    }
    const headers = new Headers(init.headers);
    if (session) headers.set('Authorization', `Bearer ${session}`);
    const response = await (asked ?? fetch(address, { credentials: 'omit', ...init, headers }));
    if (response.ok) return response;
    const type = response.headers.get('content-type') ?? '';
    const fields = type.includes('json') ? await response.json() : {};
    throw new Problem({ title: response.statusText, ...fields, status: response.status });
  }
}

/**
 * A signal that aborts when nothing has come for a while, or when the outer one aborts.
 * @param {AbortSignal} outer
 */
function watchOver(outer) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  outer.addEventListener('abort', abort);
  if (outer.aborted) abort();
  return {
    signal: controller.signal,
    /** @param {number} ms until the request is given up, unless called again */
    wait(ms) {
      clearTimeout(timer);
      timer = setTimeout(abort, ms);
    },
    stop() {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
      abort();
    },
  };
}

/**
 * Notes whose answer is coming. True where the server began another one in place of the one that
 * was partly received.
 * @param {Turn} turn
 * @param {string} messageId
 */
function follows(turn, messageId) {
  const another = turn.messageId !== '' && turn.messageId !== messageId;
  turn.messageId = messageId;
  if (another) turn.lastId = 0;
  return another;
}

/** @param {Turn} turn @param {boolean} stream */
function question(turn, stream) {
  return {
    question: turn.question,
    conversation_id: turn.conversationId || undefined,
    visitor: turn.visitor,
    page: turn.page ?? undefined,
    stream,
  };
}

/** @param {Turn} turn @param {boolean} whole @returns {Record<string, string>} */
function headers(turn, whole) {
  return {
    Accept: whole ? 'application/json' : 'text/event-stream',
    'Idempotency-Key': turn.key,
    ...(turn.lastId && !whole ? { 'Last-Event-ID': String(turn.lastId) } : {}),
  };
}

/** @param {Record<string, unknown>} body @param {Record<string, string>} more */
function post(body, more) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json', ...more }, body: JSON.stringify(body) };
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
