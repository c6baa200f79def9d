/** Web storage that may be switched off, full, or written by others. */

/** @param {'localStorage' | 'sessionStorage'} store @param {string} name @returns {string} `''` where there is none */
export function recall(store, name) {
  try {
    return window[store].getItem(name) ?? '';
  } catch {
    return ''; // switched off, or a sandboxed frame
  }
}

/** @param {'localStorage' | 'sessionStorage'} store @param {string} name @param {string} text */
export function keep(store, name, text) {
  try {
    window[store].setItem(name, text);
  } catch {
    // Full or switched off: what was to be kept lives as long as the page.
  }
}
