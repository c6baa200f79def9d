/** What the widget says, in the visitor's language. */

import { readFile } from './later.js';

/** @typedef {typeof import('./texts/en.json') & typeof import('./texts/rare/en.json')} Texts those of `rare/` come with `rare.js` */

const LANGUAGE = /^(ar|de|en|es|fr|it|ja|nl|pt|zh)\b/i;

/**
 * The first of the wanted languages that there are texts for.
 * @param {readonly (string | null | undefined)[]} wanted language tags, best first
 */
export function chooseLanguage(wanted) {
  const known = wanted.map((tag) => LANGUAGE.exec(tag ?? '')).find(Boolean);
  return known ? known[0].toLowerCase() : 'en';
}

/**
 * @param {string} name a language from `chooseLanguage`, or `rare/` and a language
 * @param {Promise<Response>} [asked] the file, where it was asked for before
 * @returns {Promise<Partial<Texts>>}
 */
export async function loadTexts(name, asked) {
  return (await (asked ?? readFile(`texts/${name}.json`))).json();
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function say(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
