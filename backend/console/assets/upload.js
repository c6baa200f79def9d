/**
 * `<candor-upload to="/api/v1/knowledge-bases/…/uploads">`: files by drop or by choice, each with
 * the bytes that have really gone out. Fires `sent` when the last file has been taken or refused.
 */

const AT_ONCE = 2;

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

class CandorUpload extends HTMLElement {
  #waiting = [];
  #active = 0;
  #done = 0;
  #refused = 0;
  #list;
  #summary;

  connectedCallback() {
    if (this.#list) return;
    const drop = document.createElement('label');
    drop.className = 'drop';
    const input = Object.assign(document.createElement('input'), { type: 'file', multiple: true });
    const lead = document.createElement('b');
    lead.textContent = 'Drop files here, or choose them';
    const hint = Object.assign(document.createElement('span'), { className: 'soft small' });
    hint.textContent = this.getAttribute('hint') ?? '';
    drop.append(input, lead, hint);
    this.#summary = Object.assign(document.createElement('p'), { className: 'small soft' });
    this.#summary.setAttribute('role', 'status');
    this.#list = Object.assign(document.createElement('ul'), { className: 'uploads' });
    this.append(drop, this.#summary, this.#list);
    input.addEventListener('change', () => { this.#add(input.files); input.value = ''; });
    for (const kind of ['dragenter', 'dragover']) {
      drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add('over'); });
    }
    for (const kind of ['dragleave', 'drop']) drop.addEventListener(kind, () => drop.classList.remove('over'));
    drop.addEventListener('drop', (event) => { event.preventDefault(); this.#add(event.dataTransfer.files); });
    addEventListener('beforeunload', this.#warn);
  }

  disconnectedCallback() {
    removeEventListener('beforeunload', this.#warn);
  }

  #warn = (event) => {
    if (this.#active) event.preventDefault();
  };

  #add(files) {
    for (const file of files) {
      const row = document.createElement('li');
      const name = Object.assign(document.createElement('span'), { className: 'name', textContent: file.name });
      const state = Object.assign(document.createElement('span'), { className: 'soft small num', textContent: 'waiting' });
      const meter = Object.assign(document.createElement('span'), { className: 'meter' });
      const fill = document.createElement('i');
      fill.style.width = '0';
      meter.append(fill);
      row.append(name, state, meter);
      this.#list.append(row);
      this.#waiting.push({ file, row, state, meter, fill });
    }
    this.#next();
  }

  #next() {
    while (this.#active < AT_ONCE && this.#waiting.length) {
      this.#active += 1;
      this.#send(this.#waiting.shift());
    }
    const left = this.#active + this.#waiting.length;
    this.#summary.textContent = left
      ? `${this.#done} of ${this.#done + this.#refused + left} uploaded`
      : `${this.#done} uploaded${this.#refused ? `, ${this.#refused} refused` : ''}`;
    if (!left) this.dispatchEvent(new CustomEvent('sent', { detail: { done: this.#done, refused: this.#refused } }));
  }

  #send({ file, row, state, meter, fill }) {
    const form = new FormData();
    form.append('files', file, file.name);
    const request = new XMLHttpRequest();
    request.open('POST', this.getAttribute('to'));
    request.setRequestHeader('Idempotency-Key', crypto.randomUUID?.() ?? String(Math.random()));
    request.upload.addEventListener('progress', (event) => {
      fill.style.width = `${(100 * event.loaded) / event.total}%`;
      state.textContent = event.loaded < event.total ? `${size(event.loaded)} of ${size(event.total)}` : 'checking';
    });
    const end = (problem) => {
      this.#active -= 1;
      meter.remove();
      if (problem) {
        this.#refused += 1;
        state.textContent = 'refused';
        row.append(Object.assign(document.createElement('span'), { className: 'bad', textContent: problem }));
      } else {
        this.#done += 1;
        state.textContent = `${size(file.size)} uploaded`;
      }
      this.#next();
    };
    request.addEventListener('load', () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* told below */ }
      if (request.status < 300 && !body.refused?.length) return end('');
      const why = body.refused?.[0] ?? body;
      return end([why.detail, why.action].filter(Boolean).join(' ') || `The server answered ${request.status}.`);
    });
    request.addEventListener('error', () => end('The connection was lost. Add the file again.'));
    request.addEventListener('abort', () => end('Stopped.'));
    request.send(form);
  }
}

customElements.define('candor-upload', CandorUpload);
