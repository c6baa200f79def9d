/**
 * Uploads of one page. They belong to the page and not to a dialog, so that it can be closed:
 *
 * `<candor-drop to="/api/v1/knowledge-bases/…/uploads">`: a place to drop or choose files; fires
 * `added` when it got some.
 * `<candor-uploads to="…" limit="BYTES">`: how far they are, for as long as there is something to
 * say; takes what is dropped anywhere on the page. Fires `arrived`, at most once a second, when the
 * server has taken files.
 */

import { KeptFiles } from './kept-files.js';
import { Transfers } from './transfers.js';

const SHOWN = 40;
const STAY = 'Stay on this page until all files have been uploaded. What has been uploaded is read meanwhile, whether this page is open or not.';
const GOES_ON = 'What has been uploaded is read meanwhile. If you leave this page, the rest goes on when you open it again in this browser.';

function size(bytes) {
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

/** Resolves once the page can be used. */
function connected() {
  return new Promise((done) => {
    const waits = setInterval(() => {
      if (!window.socket?.connected) return;
      clearInterval(waits);
      done();
    }, 100);
  });
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
    void this.#keep();
    for (const kind of ['dragover', 'dragleave', 'drop']) document.addEventListener(kind, this.#drag);
    this.#draw();
  }

  disconnectedCallback() {
    this.#transfers.removeEventListener('change', this.#change);
    this.#transfers.removeEventListener('taken', this.#taken);
    for (const kind of ['dragover', 'dragleave', 'drop']) document.removeEventListener(kind, this.#drag);
  }

  /** A browser may refuse to keep anything. */
  async #keep() {
    await connected(); // the page comes first, and what it had begun after it
    try {
      await this.#transfers.keepIn(new KeptFiles(this.getAttribute('who')));
    } catch { /* then it asks before it is left */ }
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
    const leave = this.querySelector('.leave');
    leave.hidden = !left;
    leave.textContent = [...sending, ...waiting].every((one) => one.kept) ? GOES_ON : STAY;
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
      make('p', { className: 'leave soft small' }),
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
