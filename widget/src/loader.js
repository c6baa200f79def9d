/**
 * The one script tag that a website adds: puts a `<candor-chat>` into the page and loads it once
 * the page itself is there. Every `data-` attribute of the tag becomes one of the element.
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
  const start = () => {
    document.body.appendChild(element);
    import(define).catch((error) => console.error('candor: the widget could not be loaded.', error));
  };
  const whenIdle = () => ('requestIdleCallback' in window ? requestIdleCallback(start, { timeout: 500 }) : setTimeout(start));
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', whenIdle);
  else whenIdle();
})();
