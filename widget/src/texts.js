/** What the widget says, in the visitor's language. */

/** @typedef {typeof import('./texts/en.js').default & typeof import('./texts/rare/en.js').default} Texts those of `rare/` come with `rare.js` */

const LANGUAGES = ['ar', 'de', 'en', 'es', 'fr', 'it', 'ja', 'nl', 'pt', 'zh'];

/**
 * The first of the wanted languages that there are texts for.
 * @param {readonly (string | null | undefined)[]} wanted language tags, best first
 */
export function chooseLanguage(wanted) {
  for (const tag of wanted) {
    const language = (tag ?? '').toLowerCase().split('-')[0];
    if (LANGUAGES.includes(language)) return language;
  }
  return 'en';
}

/**
 * @param {string} language from `chooseLanguage`
 * @param {Partial<Texts>} [own] the site's own texts
 * @returns {Promise<Texts>}
 */
export async function loadTexts(language, own) {
  return { ...(await import(`./texts/${language}.js`)).default, ...own };
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function say(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
