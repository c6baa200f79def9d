/** The assistant as a full page: names the page after it, and asks what the address asks (`?q=`). */

const chat = /** @type {import('../src/element.js').CandorChat} */ (document.querySelector('candor-chat'));

chat.addEventListener('candor:ready', (event) => {
  const { name, language } = /** @type {CustomEvent} */ (event).detail;
  document.title = name;
  document.documentElement.lang = language;
  const address = new URL(location.href);
  const question = address.searchParams.get('q');
  if (!question) return;
  address.searchParams.delete('q'); // a reload does not ask again
  history.replaceState(null, '', address);
  void chat.ask(question);
}, { once: true });
