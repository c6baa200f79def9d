/** Text colours that can be read on any brand colour (WCAG 2.2 contrast, 4.5 : 1). */

/** @typedef {[number, number, number]} Rgb 0 to 255 */

const ENOUGH = 4.5;

/** For thin and small text in the brand colour. */
const COMFORTABLE = 5.5;

/**
 * @param {string} colour any CSS colour
 * @returns {Rgb | null} null where it is no colour
 */
export function parseColour(colour) {
  if (!colour || !CSS.supports('color', colour)) return null;
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

/** @param {Rgb} colour relative luminance, 0 to 1 */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {Rgb} one @param {Rgb} other @returns {number} 1 to 21 */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** @param {Rgb} from @param {Rgb} to @param {number} share of `to` @returns {Rgb} */
export function mix(from, to, share) {
  const part = (/** @type {0 | 1 | 2} */ i) => Math.round(from[i] + (to[i] - from[i]) * share);
  return [part(0), part(1), part(2)];
}

/** @type {Rgb} */ const WHITE = [255, 255, 255];
/** @type {Rgb} */ const BLACK = [0, 0, 0];

/**
 * The colour, moved towards black or white only as far as it must to be read on every ground.
 * @param {Rgb} colour
 * @param {Rgb[]} grounds
 * @returns {Rgb}
 */
export function readable(colour, grounds) {
  const target = luminance(grounds[0]) > 0.18 ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.04) {
    const tried = mix(colour, target, share);
    if (grounds.every((ground) => contrast(tried, ground) >= COMFORTABLE)) return tried;
  }
  return target;
}

/**
 * The custom properties that follow from a brand colour on a surface.
 * @param {Rgb} accent
 * @param {Rgb} surface
 * @returns {Record<string, string>}
 */
export function palette(accent, surface) {
  const tint = mix(surface, accent, 0.1);
  // One of black and white always reaches 4.58 : 1. White is preferred: it reads calmer on colour.
  const on = contrast(WHITE, accent) >= ENOUGH ? WHITE : BLACK;
  return {
    '--accent': css(accent),
    '--on-accent': css(on),
    '--accent-text': css(readable(accent, [surface, tint])),
    '--tint': css(tint),
  };
}

/** @param {Rgb} colour */
const css = (colour) => `rgb(${colour.join(' ')})`;
