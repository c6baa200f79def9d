/**
 * What somebody types survives a page that has to load again by itself, because the server was
 * started anew or the connection was away for too long. It is kept in this tab, for the page and
 * the dialog that it was typed into, and forgotten when the page is left in any other way.
 */

const PREFIX = 'candor-draft:';
const SOON_MS = 10000;
let cut = 0;

/** Storage may be refused; then nothing is kept. */
function stored(act) {
  try { return act(sessionStorage); } catch { return null; }
}

function forget(beginning) {
  stored((storage) => Object.keys(storage)
    .filter((key) => key.startsWith(beginning))
    .forEach((key) => storage.removeItem(key)));
}

function place(sheet) {
  return `${PREFIX}${location.pathname}:${sheet?.querySelector('h2')?.textContent ?? ''}:`;
}

/** What a field is kept under; nothing for one that must not be, or that has no name. */
function keyOf(field) {
  if (!['text', 'textarea', 'email', 'url', 'number'].includes(field.type) || field.readOnly) return '';
  if (field.closest('search, [data-search], .q-select')) return '';
  const name = field.getAttribute('aria-label') || document.querySelector(`label[for="${CSS.escape(field.id)}"]`)?.textContent;
  return name ? place(field.closest('.sheet')) + name : '';
}

function restore(field) {
  const key = keyOf(field);
  const kept = key && stored((storage) => storage.getItem(key));
  if (!kept || kept === field.value) return;
  field.value = kept;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

function follow(socket) {
  socket.on('disconnect', () => { cut = Date.now(); });
  socket.on('connect', () => { if (cut) cut = Date.now(); });
}

document.addEventListener('input', (event) => {
  const key = event.target.matches?.('input, textarea') ? keyOf(event.target) : '';
  if (key) stored((storage) => storage.setItem(key, event.target.value));
});

addEventListener('pagehide', () => {
  const lost = window.socket && !window.socket.connected;
  if (!lost && Date.now() - cut > SOON_MS) forget(PREFIX);
});

const seen = new MutationObserver((changes) => {
  const nodes = (kind) => changes.flatMap((change) => [...change[kind]]).filter((node) => node.querySelectorAll);
  for (const node of nodes('addedNodes')) {
    // A moment later the framework has put in its own value.
    const fields = [...node.querySelectorAll('input, textarea')];
    if (fields.length) setTimeout(() => fields.forEach(restore), 80);
  }
  for (const node of nodes('removedNodes')) {
    const sheet = node.querySelector('.sheet');
    if (sheet && window.socket?.connected) forget(place(sheet));
  }
});
seen.observe(document.documentElement, { childList: true, subtree: true });

const waits = setInterval(() => {
  if (!window.socket) return;
  clearInterval(waits);
  follow(window.socket);
}, 50);
