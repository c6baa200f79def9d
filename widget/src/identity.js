/** Visitors whom the website names by a token that it signed. */

import { OF_ITS_TIME } from './client.js';
import { keep, recall } from './storage.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {{ token: string, session: string, visitor: string, until: number }} Session
 */

/**
 * Exchanges a token for a session, and again when that ends. The session is used again after a
 * reload, for a token is taken once.
 * @param {Client} client gets the session
 * @param {string} first a token
 * @param {() => Promise<string>} next a token, later
 * @returns {Promise<string>} the visitor's name, which separates what is kept in this browser
 */
export async function identifyBy(client, first, next) {
  const place = `${client.address}:session`;
  /** @param {string} token @returns {Promise<Session>} */
  const begin = async (token) => {
    const kept = JSON.parse(recall('localStorage', place) || '{}');
    if (kept.token === token && kept.until > Date.now()) return kept;
    client.session = async () => '';
    const made = await (await client.call('sessions', { token })).json();
    const session = { ...made, token, until: Date.now() + made.expires_in * OF_ITS_TIME };
    keep('localStorage', place, JSON.stringify(session));
    return session;
  };
  let session = await begin(first);
  const current = async () => {
    if (session.until < Date.now()) session = await begin(await next());
    client.session = current;
    return session.session;
  };
  client.session = current;
  return session.visitor;
}
