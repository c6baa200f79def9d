/** Where a link may lead, and how a citation's link finds the cited words. */

const ALLOWED = ['http:', 'https:', 'mailto:'];

/**
 * The address in canonical form, or `''` where its scheme is not http, https or mailto.
 * @param {string} address absolute
 */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    return ALLOWED.includes(url.protocol) ? url.href : '';
  } catch (error) {
    if (error instanceof TypeError) return ''; // relative or malformed
    throw error;
  }
}

/**
 * The passage's address, ending in what leads to the cited words: an anchor and a text fragment
 * (https://wicg.github.io/scroll-to-text-fragment/), the page of a PDF, or the second of a recording.
 * @param {{ address: string, page?: number | null, seconds?: number | null }} passage
 * @param {string} cited the cited words, as Markdown
 */
export function passageAddress(passage, cited) {
  const address = safeAddress(passage.address);
  if (!/^https?:/.test(address)) return address;
  const url = new URL(address);
  if (typeof passage.seconds === 'number') return atSecond(url, Math.floor(passage.seconds));
  if (typeof passage.page === 'number') {
    if (!url.hash) url.hash = `page=${passage.page}`;
    return url.href;
  }
  const fragment = textFragment(cited);
  return fragment ? `${url.href}${url.hash ? '' : '#'}:~:text=${fragment}` : url.href;
}

/** @param {URL} url @param {number} second */
function atSecond(url, second) {
  if (/(^|\.)(youtube\.com|youtu\.be)$/.test(url.hostname)) url.searchParams.set('t', String(second));
  else if (!url.hash) url.hash = `t=${second}`; // media fragments, https://www.w3.org/TR/media-frags/
  return url.href;
}

const WHOLE = 8;
const EDGE = 4;

/**
 * `whole text` or `first words,last words`, encoded; a page that words it otherwise just opens.
 * @param {string} markdown
 */
export function textFragment(markdown) {
  const words = plain(markdown).split(/\s+/).filter(Boolean);
  const encode = (/** @type {string[]} */ part) => encodeURIComponent(part.join(' ')).replace(/-/g, '%2D');
  if (words.length <= WHOLE) return encode(words);
  return `${encode(words.slice(0, EDGE))},${encode(words.slice(-EDGE))}`;
}

/**
 * Markdown without its signs: what the reader of the page sees.
 * @param {string} markdown
 */
export function plain(markdown) {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(?:#{1,6}|[-*+]|\d+[.)]|>)\s+/gm, '')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/[*`|]|__|~~/g, '');
}
