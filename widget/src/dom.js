/**
 * Elements by construction. Strings become text nodes, never markup, so nothing that a model or a
 * document says can become an element.
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes] `onclick` and the like become listeners; `null`,
 *   `undefined` and `false` are left out, `true` is an empty attribute
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      set(element, name, value);
    }
  }
  fill(element, children);
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/**
 * Appends with `appendChild` alone: old libraries overwrite `append` and `replaceChildren`.
 * @param {Node} parent
 * @param {Child[]} children
 */
export function fill(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === 'string' ? document.createTextNode(child) : child);
  }
}

/** @param {Node} parent @param {...Child} children */
export function refill(parent, ...children) {
  while (parent.lastChild) parent.removeChild(parent.lastChild);
  fill(parent, children);
}

const PATHS = {
  chat: 'M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12z',
  close: 'M6 6l12 12M18 6 6 18',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  done: 'M5 12.5l4.5 4.5L19 7.5',
  retry: 'M20 11a8 8 0 1 0-2.3 6.2M20 5v6h-6',
  up: 'M7 11v9H4v-9zm0 0 4-8c1.7 0 2.5 1 2.2 2.6L12.6 9H18c1.5 0 2.3 1 2 2.4l-1.5 7c-.3 1-1 1.6-2 1.6H7',
  down: '', // the other, turned
  fresh: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  person: 'M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-9 16-9 16 0',
  save: 'M12 4v11m-5-5 5 5 5-5M5 20h14',
  link: 'M9 5h10v10M19 5 6 18',
  back: 'M15 5l-7 7 7 7',
};

const SVG = 'http://www.w3.org/2000/svg';

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  set(svg, 'viewBox', '0 0 24 24');
  set(svg, 'aria-hidden', 'true');
  set(svg, 'class', `icon ${name}`);
  const path = document.createElementNS(SVG, 'path');
  set(path, 'd', PATHS[name] || PATHS.up);
  svg.appendChild(path);
  return svg;
}

/**
 * A button with an icon, named for those who cannot see it.
 * @param {keyof typeof PATHS} name
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} [kind] class
 */
export function iconButton(name, label, onclick, kind = 'quiet') {
  return h('button', { type: 'button', class: kind, 'aria-label': label, title: label, onclick }, icon(name));
}
