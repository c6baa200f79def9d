/** What the console's pages do in the browser without asking the server. */

const THEMES = ['auto', 'light', 'dark'];
const KEY = 'candor-theme';

/** The theme chosen in this browser; storage may be refused. */
function chosen() {
  try {
    const found = localStorage.getItem(KEY);
    return THEMES.includes(found) ? found : 'auto';
  } catch {
    return 'auto';
  }
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
}

apply(chosen());

function next() {
  const theme = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
  try {
    localStorage.setItem(KEY, theme);
  } catch { /* it holds until the page is left */ }
  apply(theme);
  document.querySelectorAll('[data-act=theme]').forEach(name);
}

function name(button) {
  button.textContent = { auto: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' }[chosen()];
}

async function copy(button) {
  const text = document.querySelector(button.dataset.copy)?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text.trim());
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Select and copy';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-act]');
  if (button?.dataset.act === 'theme') next();
  if (button?.dataset.act === 'copy') void copy(button);
});

// Pages are drawn by a framework after this ran, so the button is named when it appears.
const seen = new MutationObserver(() => {
  document.querySelectorAll('[data-act=theme]:empty').forEach(name);
});
seen.observe(document.documentElement, { childList: true, subtree: true });

// "/" goes to the page's search box, as on many sites.
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.('input, textarea, select, [contenteditable]')) return;
  const box = document.querySelector('[data-search] input, input[data-search]');
  if (!box) return;
  event.preventDefault();
  box.focus();
});
