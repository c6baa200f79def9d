/** Server-sent events read from a fetch body, as the HTML standard parses them. */

/** @typedef {{ id: number | null, name: string, data: any }} ServerEvent */

/**
 * Yields each event whose data is JSON. Comments (heartbeats) only count as activity.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onActivity called for every piece received
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(body, onActivity) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let returned = false;
  /** @type {string[]} */
  let event = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // an event without its blank line is incomplete: the caller asks again
      onActivity();
      let text = decoder.decode(value, { stream: true });
      // A line feed that comes first belongs to the carriage return that came last.
      if (returned && text.startsWith('\n')) text = text.slice(1);
      if (value.length) returned = text.endsWith('\r');
      const lines = (rest + text).split(/\r\n|[\r\n]/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line) {
          event.push(line);
          continue;
        }
        const parsed = parseEvent(event);
        event = [];
        if (parsed) yield parsed;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined); // the connection may already be gone
  }
}

/**
 * @param {string[]} lines of one event
 * @returns {ServerEvent | null}
 */
export function parseEvent(lines) {
  let id = null;
  let name = 'message';
  const data = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && /^\d+$/.test(value)) id = Number(value);
  }
  if (!data.length) return null;
  return { id, name, data: JSON.parse(data.join('\n')) };
}
