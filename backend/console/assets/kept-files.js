/**
 * Files on their way to the server, kept by the browser (IndexedDB) until they have arrived: a page
 * that is loaded again, or opened again within a day, goes on with them by itself.
 */

const NAME = 'candor-uploads';
const STORE = 'files';
const TAB = 'candor-tab';
const LONGEST_MS = 86400000;

/** @param {IDBRequest} request @returns {Promise<any>} its result */
const result = (request) => new Promise((done, fail) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => fail(request.error);
});

/** A name for this tab that outlives a reload, and a lock on it for as long as the tab lives. */
function thisTab() {
  let id = sessionStorage.getItem(TAB);
  if (!id) {
    id = `${Date.now()}-${Math.random()}`;
    sessionStorage.setItem(TAB, id);
  }
  navigator.locks?.request(`${TAB}:${id}`, () => new Promise(() => {}));
  return id;
}

export class KeptFiles {
  #who;
  #tab;
  #database;

  /** @param {string} who whose files: nobody else's are gone on with */
  constructor(who) {
    this.#who = who;
    this.#tab = thisTab();
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' });
    this.#database = result(opening);
  }

  /** Keep files that go to an address. @returns {Promise<string[]>} an id for each */
  async keep(address, files) {
    const at = Date.now();
    const rows = files.map(({ file, name }) => ({
      id: `${at}-${Math.random()}`, address, name, file, at, who: this.#who, tab: this.#tab,
    }));
    const writing = (await this.#database).transaction(STORE, 'readwrite');
    for (const row of rows) writing.objectStore(STORE).put(row);
    await new Promise((done, fail) => {
      writing.oncomplete = done;
      writing.onabort = writing.onerror = () => fail(writing.error);
    });
    return rows.map(({ id }) => id);
  }

  /** @param {string[]} ids of files that have arrived, or never will */
  async forget(ids) {
    const store = (await this.#database).transaction(STORE, 'readwrite').objectStore(STORE);
    for (const id of ids) store.delete(id);
  }

  /** Files for an address that this tab had begun with, or one that is gone. */
  async left(address) {
    const { held } = (await navigator.locks?.query()) ?? {};
    const alive = new Set((held ?? []).map(({ name }) => name));
    const rows = await result((await this.#database).transaction(STORE).objectStore(STORE).getAll());
    const old = rows.filter(({ at, who }) => who !== this.#who || Date.now() - at > LONGEST_MS);
    await this.forget(old.map(({ id }) => id));
    return rows.filter((row) => (
      row.address === address && !old.includes(row)
      && (row.tab === this.#tab || (held && !alive.has(`${TAB}:${row.tab}`)))
    ));
  }
}
