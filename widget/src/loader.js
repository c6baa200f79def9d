/**
 * The one script tag that a website adds: puts a `<candor-chat>` into the page once the page itself
 * is there. What it needs is asked for at once, side by side, and waits; it runs when the page has
 * nothing to do. Every `data-` attribute of the tag becomes one of the element.
 */
(() => {
  /** The hash of `define.js`: put in by `served.py`. */
  const SEAL = '';
  const LANGUAGE = /^(ar|de|en|es|fr|it|ja|nl|pt|zh)\b/i;
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  if (!script || !script.dataset.assistant) {
    console.error('candor: data-assistant="PUBLIC_KEY" is missing');
    return;
  }
  const { src, nonce, dataset: { assistant, lang } } = script;
  const { origin } = new URL(src);
  const element = Object.assign(document.createElement('candor-chat'), { nonce });
  element.setAttribute('origin', origin);
  for (const [name, value] of Object.entries(script.dataset)) element.setAttribute(name, value ?? '');
  const href = new URL('define.js', src).href;
  // At an address that names its build, the module must be the one with this hash.
  const integrity = src.includes('/v1/') ? '' : SEAL;
  // The page's policy trusts this script: its nonce lets the module be fetched before it is imported.
  const link = Object.assign(document.createElement('link'), { rel: 'modulepreload', href, nonce, integrity });
  const fetched = new Promise((resolve, reject) => Object.assign(link, { onload: resolve, onerror: reject }));
  document.head.appendChild(link);
  /** @param {string | URL} address */
  const ask = (address) => fetch(address, { credentials: 'omit' });
  const known = [lang, document.documentElement.lang, ...navigator.languages].map((tag) => LANGUAGE.exec(tag ?? '')).find(Boolean);
  const language = known ? known[0].toLowerCase() : 'en';
  const asked = {
    profile: ask(`${origin}/api/v1/assistants/${encodeURIComponent(assistant)}`),
    [language]: ask(new URL(`texts/${language}.json`, src)),
  };
  // The element, or the import, tells of what does not come.
  for (const coming of [fetched, ...Object.values(asked)]) coming.catch(() => undefined);
  const start = async () => {
    document.body.appendChild(Object.assign(element, { asked }));
    try {
      if (integrity) await fetched;
      await import(href);
    } catch (error) {
      console.error('candor: the widget could not be loaded.', error);
    }
  };
  const later = /** @type {typeof requestIdleCallback} */ (window.requestIdleCallback ?? setTimeout);
  const whenIdle = () => later(start, { timeout: 500 });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', whenIdle);
  else whenIdle();
})();
