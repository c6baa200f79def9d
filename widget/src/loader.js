/**
 * The one script tag that a website adds: puts a `<candor-chat>` into the page once the page itself
 * is there. What it needs is asked for at once, and waits; it runs when the page has nothing to do.
 * Every `data-` attribute of the tag becomes one of the element.
 */
(() => {
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  if (!script || !script.dataset.assistant) {
    console.error('candor: the script tag needs data-assistant="PUBLIC_KEY"');
    return;
  }
  const element = document.createElement('candor-chat');
  element.setAttribute('origin', new URL(script.src).origin);
  for (const name of script.getAttributeNames()) {
    if (name.startsWith('data-')) element.setAttribute(name.slice(5), script.getAttribute(name) ?? '');
  }
  const define = new URL('define.js', script.src).href;
  // The page's policy trusts this script: its nonce lets the module be fetched before it is imported.
  document.head.appendChild(Object.assign(document.createElement('link'), { rel: 'modulepreload', href: define, nonce: script.nonce }));
  const origin = element.getAttribute('origin');
  const asked = fetch(`${origin}/api/v1/assistants/${encodeURIComponent(script.dataset.assistant)}`, { credentials: 'omit' });
  asked.catch(() => undefined); // the element tells of it
  const start = () => {
    Object.assign(element, { asked });
    document.body.appendChild(element);
    import(define).catch((error) => console.error('candor: the widget could not be loaded.', error));
  };
  const whenIdle = () => ('requestIdleCallback' in window ? requestIdleCallback(start, { timeout: 500 }) : setTimeout(start));
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', whenIdle);
  else whenIdle();
})();
