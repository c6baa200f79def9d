/** What few visitors come to use, in one file of its own that is loaded when they do. */

import { confirmRemoval } from './confirm.js';
import { download } from './export.js';
import { askAfter, askForPerson, meetPerson } from './handoff.js';
import { identifyBy } from './identity.js';
import { askForContact } from './lead.js';
import { reasons } from './reasons.js';
import { RARE } from './style-rare.js';
import { styleSheet } from './style.js';
import { loadTexts } from './texts.js';
import { whyThisAnswer } from './why.js';

/** @type {CSSStyleSheet | undefined} */
let looks;

/** Texts that are whole. @type {WeakSet<object>} */
const whole = new WeakSet();

/**
 * Gives a conversation the looks and the texts of what is in here.
 * @param {ShadowRoot} root @param {import('./texts.js').Texts} texts @param {string} language
 */
async function dress(root, texts, language) {
  if (!whole.has(texts)) Object.assign(texts, { ...await loadTexts(`rare/${language}`), ...texts });
  whole.add(texts);
  looks ??= styleSheet(RARE);
  if (!root.adoptedStyleSheets.includes(looks)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, looks];
}

export {
  askAfter, askForContact, askForPerson, confirmRemoval, download, dress, identifyBy, meetPerson, reasons, whyThisAnswer,
};
