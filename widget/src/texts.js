/** What the widget says. `{name}` stands for a value that is put in. */

export const ENGLISH = {
  ask: 'Ask a question',
  send: 'Send',
  stop: 'Stop',
  open: 'Chat with {name}',
  close: 'Close',
  fresh: 'New conversation',
  sure: 'Delete this conversation from this browser?',
  remove: 'Delete',
  keep: 'Keep',
  save: 'Download conversation',
  searching: 'Searching…',
  reading: 'Reading {n} passages…',
  copy: 'Copy answer',
  copied: 'Copied',
  retry: 'Try again',
  good: 'Helpful',
  bad: 'Not helpful',
  thanks: 'Thank you.',
  reason: 'What was wrong?',
  wrong: 'Not correct',
  off_topic: 'Not what I asked',
  incomplete: 'Something is missing',
  bad_source: 'Wrong source',
  comment: 'Anything else? (optional)',
  sources: 'Sources',
  source: 'Source {n}: {title}',
  why: 'Why this answer',
  whyText: 'These passages were found for “{query}”. The marked ones are quoted.',
  sparse: 'words',
  dense: 'meaning',
  rank: 'place {n} by {arm}',
  quoted: 'quoted',
  visit: 'Open the page',
  page: 'Page {n}',
  newTab: 'opens in a new tab',
  stopped: 'Stopped.',
  failed: 'Something went wrong.',
  offline: 'No connection. Check the network and try again.',
  limit: 'Too many questions for now. Please try again later.',
  absent: 'This assistant is not available here.',
  suggestions: 'Suggested questions',
};

/** @typedef {typeof ENGLISH} Texts */

const LANGUAGES = ['ar', 'de', 'es', 'fr', 'it', 'ja', 'nl', 'pt', 'zh'];

/** Languages written from right to left. */
export const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ur'];

/**
 * The first of the wanted languages that there are texts for.
 * @param {readonly (string | null | undefined)[]} wanted language tags, best first
 */
export function chooseLanguage(wanted) {
  for (const tag of wanted) {
    const language = (tag ?? '').toLowerCase().split('-')[0];
    if (language === 'en' || LANGUAGES.includes(language)) return language;
  }
  return 'en';
}

/**
 * @param {string} language from `chooseLanguage`
 * @param {Partial<Texts>} own the site's own texts
 * @returns {Promise<Texts>} English where a language lacks one
 */
export async function loadTexts(language, own = {}) {
  const texts = language === 'en' ? {} : (await import(`./texts/${language}.js`)).default;
  return { ...ENGLISH, ...texts, ...own };
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function say(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
