/** Files on their way from one page to the server. */

const AT_ONCE = 2;
const BATCH_FILES = 16;
const BATCH_BYTES = 8e6;
const PAUSES_S = [1, 2, 5, 10, 20];

/** Bytes of each file of a batch that have gone out, of `sent` bytes of the whole: in their order. */
export function share(sizes, sent) {
  let left = sent;
  return sizes.map((bytes) => {
    const own = Math.max(0, Math.min(bytes, left));
    left -= bytes;
    return own;
  });
}

/** Everything that goes to one address. `change` is fired when a figure has changed. */
export class Transfers extends EventTarget {
  static #all = new Map();

  static to(address) {
    if (!this.#all.has(address)) this.#all.set(address, new Transfers(address));
    return this.#all.get(address);
  }

  limit = Infinity;
  files = [];
  #kept = null;
  #asked = false;
  #active = 0;
  #address;
  #key;

  constructor(address) {
    super();
    this.#address = address;
    this.#key = `candor-unfinished:${address}`;
    this.unfinished = this.#left();
    addEventListener('beforeunload', (event) => {
      if (this.pending.some((one) => !one.kept)) event.preventDefault();
    });
  }

  /** Let the browser keep what is on its way, and go on with what it kept. */
  async keepIn(kept) {
    if (this.#asked) return;
    this.#asked = true;
    const left = await kept.left(this.#address);
    this.#kept = kept;
    void this.#hold(this.pending.filter((one) => !one.kept));
    if (left.length) this.add(left.map(({ file, name, id }) => ({ file, name, kept: id })));
  }

  get pending() {
    return this.files.filter((one) => one.state === 'waiting' || one.state === 'sending');
  }

  add(files) {
    const names = new Set(files.map((one) => one.name));
    this.unfinished = this.unfinished.filter((name) => !names.has(name));
    for (const { file, name, kept = '' } of files) {
      const one = { file, name, kept, sent: 0, state: 'waiting', problem: '', again: false };
      if (file.size > this.limit) {
        one.state = 'refused';
        one.problem = `${name} is over ${this.limit.toLocaleString('en')} bytes. Split it, or raise CANDOR_UPLOAD_MAX_BYTES.`;
      }
      this.files.push(one);
    }
    void this.#hold(this.files.filter((one) => one.state === 'waiting' && !one.kept));
    this.#next();
  }

  /** Have the browser keep files. Without it, or without room, a page that is left asks first. */
  async #hold(files) {
    if (!this.#kept || !files.length) return;
    try {
      const ids = await this.#kept.keep(this.#address, files);
      files.forEach((one, at) => { one.kept = ids[at]; });
      await this.#release(files.filter((one) => one.state === 'done'));
      this.#changed();
    } catch { /* they are on their way all the same */ }
  }

  async #release(files) {
    const ids = files.map((one) => one.kept).filter(Boolean);
    for (const one of files) one.kept = '';
    if (this.#kept && ids.length) await this.#kept.forget(ids).catch(() => {});
  }

  tryAgain(one) {
    Object.assign(one, { state: 'waiting', problem: '', again: false, sent: 0 });
    this.#next();
  }

  forget() {
    this.unfinished = [];
    void this.#release(this.files.filter((one) => !this.pending.includes(one)));
    this.files = this.pending;
    this.#changed();
  }

  #next() {
    while (this.#active < AT_ONCE) {
      const batch = this.#batch();
      if (!batch.length) break;
      this.#active += 1;
      for (const one of batch) one.state = 'sending';
      void this.#deliver(batch).finally(() => {
        this.#active -= 1;
        this.#next();
      });
    }
    this.#keep();
    this.#changed();
  }

  /** The next files that go in one request: many small ones, or one that is large. */
  #batch() {
    const batch = [];
    let bytes = 0;
    for (const one of this.files) {
      if (one.state !== 'waiting') continue;
      if (batch.length && (bytes + one.file.size > BATCH_BYTES || batch.length >= BATCH_FILES)) break;
      // Of two files with one name the later counts, so they must not come in one request.
      if (batch.some((other) => other.name === one.name)) break;
      batch.push(one);
      bytes += one.file.size;
    }
    return batch;
  }

  /** Send until there is an answer; the same key makes sure that nothing is taken twice. */
  async #deliver(batch) {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    for (const pause of [...PAUSES_S, null]) {
      const answer = await this.#send(batch, key);
      if (answer.status !== 0) return this.#end(batch, answer);
      if (pause === null) break;
      for (const one of batch) Object.assign(one, { sent: 0, note: 'connection lost, trying again' });
      this.#changed();
      await new Promise((go) => { setTimeout(go, pause * 1000); });
    }
    for (const one of batch) {
      Object.assign(one, { state: 'refused', problem: 'The connection was lost.', again: true });
    }
    return this.#changed();
  }

  #send(batch, key) {
    const form = new FormData();
    for (const { file, name } of batch) form.append('files', file, name);
    const sizes = batch.map((one) => one.file.size);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open('POST', this.#address);
      request.setRequestHeader('Idempotency-Key', key);
      request.upload.addEventListener('progress', (event) => {
        share(sizes, event.loaded).forEach((sent, at) => {
          const all = event.loaded >= event.total || sent === sizes[at];
          Object.assign(batch[at], { sent, note: all ? 'checking' : '' });
        });
        this.#changed();
      });
      request.addEventListener('loadend', () => {
        let body = {};
        try { body = JSON.parse(request.responseText); } catch { /* told by its status */ }
        done({ status: request.status, body });
      });
      request.send(form);
    });
  }

  #end(batch, { status, body }) {
    const refused = new Map((body.refused ?? []).map((one) => [one.name, one]));
    for (const one of batch) {
      const why = status < 300 ? refused.get(one.name) : body;
      one.sent = one.file.size;
      one.state = why ? 'refused' : 'done';
      if (why) {
        one.problem = [why.detail, why.action].filter(Boolean).join(' ') || `The server answered ${status}.`;
        one.again = status === 401 || status === 429 || status >= 500;
      }
    }
    void this.#release(batch.filter((one) => !one.again));
    this.#changed();
    this.dispatchEvent(new Event('taken'));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** Names of files on the way, for a page that is loaded again before they have arrived. */
  #keep() {
    try {
      const names = this.pending.map((one) => one.name);
      if (names.length) sessionStorage.setItem(this.#key, JSON.stringify(names));
      else sessionStorage.removeItem(this.#key);
    } catch { /* without storage a reload says nothing */ }
  }

  #left() {
    try {
      const found = JSON.parse(sessionStorage.getItem(this.#key) ?? '[]');
      sessionStorage.removeItem(this.#key);
      return found;
    } catch {
      return [];
    }
  }
}
