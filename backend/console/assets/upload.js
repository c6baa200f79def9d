/**
 * Uploads of one page. They belong to the page and not to a dialog, so that it can be closed:
 *
 * `<candor-drop to="/api/v1/knowledge-bases/…/uploads">`: a place to drop or choose files; fires
 * `added` when it got some.
 * `<candor-uploads to="…" limit="BYTES">`: how far they are, for as long as there is something to
 * say; takes what is dropped anywhere on the page. Fires `arrived`, at most once a second, when the
 * server has taken files.
 */

const AT_ONCE = 2;
const BATCH_FILES = 16;
const BATCH_BYTES = 8e6;
const PAUSES_S = [1, 2, 5, 10, 20];
const SHOWN = 40;

export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function count(number) {
  return number === 1 ? '1 file' : `${number.toLocaleString('en')} files`;
}

/** An element with its properties and children. */
function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

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
class Transfers extends EventTarget {
  static #all = new Map();

  static to(address) {
    if (!this.#all.has(address)) this.#all.set(address, new Transfers(address));
    return this.#all.get(address);
  }

  limit = Infinity;
  files = [];
  #active = 0;
  #address;
  #key;

  constructor(address) {
    super();
    this.#address = address;
    this.#key = `candor-unfinished:${address}`;
    this.unfinished = this.#left();
    addEventListener('beforeunload', (event) => {
      if (this.pending.length) event.preventDefault();
    });
  }

  get pending() {
    return this.files.filter((one) => one.state === 'waiting' || one.state === 'sending');
  }

  add(files) {
    const names = new Set(files.map((one) => one.name));
    this.unfinished = this.unfinished.filter((name) => !names.has(name));
    for (const { file, name } of files) {
      const one = { file, name, sent: 0, state: 'waiting', problem: '', again: false };
      if (file.size > this.limit) {
        one.state = 'refused';
        one.problem = `${name} is over ${this.limit.toLocaleString('en')} bytes. Split it, or raise CANDOR_UPLOAD_MAX_BYTES.`;
      }
      this.files.push(one);
    }
    this.#next();
  }

  tryAgain(one) {
    Object.assign(one, { state: 'waiting', problem: '', again: false, sent: 0 });
    this.#next();
  }

  forget() {
    this.unfinished = [];
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

/** The files of a drop, those of folders too, with their paths. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => { entry.file(done, fail); });
    found.push({ file, name: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, fail) => { reader.readEntries(done, fail); });
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}

const hasFiles = (event) => event.dataTransfer?.types.includes('Files');

class CandorDrop extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const input = make('input', { type: 'file', multiple: true });
    const hint = make('span', { className: 'soft small', textContent: this.getAttribute('hint') ?? '' });
    this.append(make('label', { className: 'drop' }, input, make('b', { textContent: 'Drop files or folders here, or choose files' }), hint));
    input.addEventListener('change', () => {
      this.#add([...input.files].map((file) => ({ file, name: file.name })));
      input.value = '';
    });
    this.addEventListener('dragover', (event) => event.preventDefault());
    this.addEventListener('drop', async (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#add(await dropped(event.dataTransfer));
    });
  }

  #add(files) {
    if (!files.length) return;
    Transfers.to(this.getAttribute('to')).add(files);
    this.dispatchEvent(new CustomEvent('added'));
  }
}

class CandorUploads extends HTMLElement {
  #transfers;
  #drawn = 0;
  #told = 0;
  #said = '';

  connectedCallback() {
    this.#transfers = Transfers.to(this.getAttribute('to'));
    this.#transfers.limit = Number(this.getAttribute('limit')) || Infinity;
    this.#transfers.addEventListener('change', this.#change);
    this.#transfers.addEventListener('taken', this.#taken);
    for (const kind of ['dragover', 'dragleave', 'drop']) document.addEventListener(kind, this.#drag);
    this.#draw();
  }

  disconnectedCallback() {
    this.#transfers.removeEventListener('change', this.#change);
    this.#transfers.removeEventListener('taken', this.#taken);
    for (const kind of ['dragover', 'dragleave', 'drop']) document.removeEventListener(kind, this.#drag);
  }

  #drag = async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.documentElement.classList.toggle('dropping', event.type === 'dragover');
    if (event.type === 'drop') this.#transfers.add(await dropped(event.dataTransfer));
  };

  // Thousands of progress events become a few pictures a second.
  #change = () => {
    this.#drawn ||= setTimeout(() => { this.#drawn = 0; this.#draw(); }, 150);
  };

  #taken = () => {
    this.#told ||= setTimeout(() => {
      this.#told = 0;
      this.dispatchEvent(new CustomEvent('arrived'));
    }, 1000);
  };

  #draw() {
    const { files, unfinished } = this.#transfers;
    if (!files.length && !unfinished.length) return this.replaceChildren();
    if (!this.firstChild) this.#build();
    const of = (state) => files.filter((one) => one.state === state);
    const [done, refused, sending, waiting] = ['done', 'refused', 'sending', 'waiting'].map(of);
    const left = sending.length + waiting.length;
    const total = files.reduce((sum, one) => sum + one.file.size, 0);
    const sent = files.reduce((sum, one) => sum + one.sent, 0);
    const ended = `${count(done.length)} uploaded${refused.length ? `, ${refused.length} refused` : ''}`;
    const words = left
      ? `${done.length + refused.length} of ${count(files.length)}, ${size(sent)} of ${size(total)}`
      : files.length ? ended : 'Interrupted';
    this.querySelector('.words').textContent = words;
    const meter = this.querySelector('.meter');
    meter.hidden = !left;
    meter.firstChild.style.width = `${total ? (100 * sent) / total : 0}%`;
    meter.setAttribute('aria-valuenow', Math.round(total ? (100 * sent) / total : 0));
    this.querySelector('.leave').hidden = !left;
    this.querySelector('.close').hidden = Boolean(left);
    this.#unfinished(unfinished);
    const rows = [...refused.slice(0, SHOWN), ...sending, ...waiting.slice(0, SHOWN)];
    this.querySelector('ul').replaceChildren(...rows.map((one) => this.#row(one)));
    const more = files.length - done.length - rows.length;
    this.querySelector('.more').textContent = more > 0 ? `and ${count(more)} more` : '';
    this.#say(left ? `Uploading ${count(files.length)}` : files.length ? ended : '');
  }

  #build() {
    const meter = make('div', { className: 'meter', role: 'progressbar', ariaLabel: 'Uploaded' }, make('i'));
    meter.setAttribute('aria-valuemin', '0');
    meter.setAttribute('aria-valuemax', '100');
    const close = make('button', { className: 'close link', textContent: 'Close', type: 'button' });
    close.addEventListener('click', () => this.#transfers.forget());
    this.append(make(
      'section', { className: 'card pad uploading', ariaLabel: 'Uploads' },
      make('div', { className: 'top' }, make('b', { className: 'words num' }), close),
      meter,
      make('p', { className: 'leave soft small', textContent: 'Stay on this page until all files have been uploaded. What has been uploaded is read meanwhile, whether this page is open or not.' }),
      make('p', { className: 'unfinished note warn' }),
      make('ul', { className: 'uploads' }),
      make('p', { className: 'more soft small' }),
      make('p', { className: 'unseen', role: 'status' }),
    ));
  }

  #unfinished(names) {
    const shown = this.querySelector('.unfinished');
    shown.hidden = !names.length;
    const some = names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');
    shown.textContent = `${count(names.length)} had not arrived when this page was left: ${some}. Add ${names.length === 1 ? 'it' : 'them'} again.`;
  }

  #row(one) {
    const state = one.state === 'waiting' ? 'waiting'
      : one.state === 'refused' ? 'refused'
        : one.note || `${size(one.sent)} of ${size(one.file.size)}`;
    const row = make('li', {}, make('span', { className: 'name', textContent: one.name }), make('span', { className: 'soft small num', textContent: state }));
    if (one.problem) row.append(make('span', { className: 'bad', textContent: one.problem }));
    if (one.again) {
      const again = make('button', { className: 'link', textContent: 'Try again', type: 'button' });
      again.addEventListener('click', () => this.#transfers.tryAgain(one));
      row.append(again);
    }
    return row;
  }

  /** Screen readers hear the start and the end, and not each figure. */
  #say(words) {
    if (words === this.#said) return;
    this.#said = words;
    this.querySelector('[role=status]').textContent = words;
  }
}

customElements.define('candor-drop', CandorDrop);
customElements.define('candor-uploads', CandorUploads);
