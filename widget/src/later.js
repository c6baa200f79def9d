/** What is loaded after `define.js`, in some visits never. */

/** The hash of `rare.js`: put in by `served.py`. */
const SEAL = '';

/**
 * Imports `rare.js`. At an address that names its build, it must be the one that this module knows the
 * hash of: another is refused, and does not run.
 * @param {string | undefined} nonce of the page's policy, where it has one
 * @returns {Promise<typeof import('./rare.js')>}
 */
export async function loadRare(nonce) {
  const href = new URL('./rare.js', import.meta.url).href;
  if (SEAL && !href.includes('/v1/')) {
    const link = Object.assign(document.createElement('link'), { rel: 'modulepreload', href, nonce, integrity: SEAL });
    // A page keeps one module for an address: what was checked here is what the import gets.
    await new Promise((resolve, reject) => {
      document.head.appendChild(Object.assign(link, { onload: resolve, onerror: reject }));
    });
  }
  return import(href);
}

/** Reads a file that holds no script. @param {string} name as it is served beside this module */
export async function readFile(name) {
  const response = await fetch(new URL(name, import.meta.url), { credentials: 'omit' });
  if (response.ok) return response;
  throw new Error(name);
}
