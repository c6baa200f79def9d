/**
 * The widget's looks. Everything on `:host` is `!important`: there, and only there, a shadow root
 * then wins over the styles of the page.
 */

import { readFile } from './later.js';
import { ANSWER } from './style-answer.js';

const FRAME = `
:host { all: initial !important; display: block !important; direction: inherit !important; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.unseen { display: block; position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%); }
.frame {
  --font: var(--candor-font, system-ui, sans-serif);
  --serif: var(--candor-font, "Iowan Old Style", Palatino, Georgia, serif);
  --radius: var(--candor-radius, 14px);
  --well: var(--ground); /* a shade that stands out from what it lies on */
  --surface: #fff; --ground: #faf9f6; --ink: #1d1c1a; --soft: #66625b; --line: #e4e1da; --edge: #8b867c; --mark: #ffeeb0; --alarm: #a3211b;
  --shadow: 0 0 0 1px rgb(0 0 0 / .06), 0 12px 40px rgb(30 25 15 / .18);
  color-scheme: light; color: var(--ink); font: 400 16px/1.55 var(--font); text-align: start;
  -webkit-text-size-adjust: 100%; overflow-wrap: break-word;
}
[data-theme=dark] {
  --surface: #1b1a18; --ground: #141311; --ink: #efece5; --soft: #aba598; --line: #35332f; --edge: #827c71; --mark: #5c4a12; --alarm: #ff9a90;
  --shadow: 0 0 0 1px rgb(255 255 255 / .09), 0 12px 40px rgb(0 0 0 / .6); color-scheme: dark;
}
button, textarea, input { font: inherit; color: inherit; margin: 0; letter-spacing: inherit; }
button { border: 0; background: none; padding: 0; cursor: pointer; text-align: start; -webkit-tap-highlight-color: transparent; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 2px; }
.icon { display: block; width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.icon.stop { fill: currentColor; }
.icon.down { transform: rotate(180deg); }
[dir=rtl] :is(.icon.back, .icon.link) { transform: scaleX(-1); }
h1, h2, h3, p, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.quiet { display: grid; place-items: center; width: 44px; height: 44px; border-radius: 10px; color: var(--soft); }
.quiet:hover, .quiet[aria-pressed=true] { color: var(--accent-text); background: var(--tint); }
.strong { background: var(--accent); color: var(--on-accent); border-radius: 10px; min-height: 44px; padding: 0 18px; font-weight: 600; }
.strong:hover { filter: brightness(1.08); }
.plain { min-height: 44px; padding: 0 18px; border-radius: 10px; box-shadow: inset 0 0 0 1px var(--line); }

[data-layout=launcher] { position: fixed; z-index: var(--candor-z, 2147483000); inset-block-end: var(--candor-offset, 20px); inset-inline-end: var(--candor-offset, 20px); }
[data-layout=launcher][data-side=start] { inset-inline: var(--candor-offset, 20px) auto; }
.launcher { display: grid; place-items: center; width: 56px; height: 56px; border-radius: 50%; background: var(--accent); color: var(--on-accent); box-shadow: var(--shadow); transition: transform .15s; }
.launcher:hover { transform: scale(1.05); }
.launcher .icon { width: 26px; height: 26px; }
[data-open] .launcher { visibility: hidden; }
.panel { position: relative; display: flex; flex-direction: column; background: var(--surface); overflow: hidden; }
[data-layout=launcher] .panel {
  position: absolute; inset-block-end: 0; inset-inline-end: 0; width: var(--candor-width, 400px); max-width: calc(100vw - 40px);
  height: var(--candor-height, 660px); max-height: calc(100dvh - 40px); border-radius: var(--radius); box-shadow: var(--shadow); animation: rise .2s ease-out;
}
[data-side=start] .panel { inset-inline: 0 auto !important; }
[data-layout=inline] .panel { height: var(--candor-height, 600px); border-radius: var(--radius); box-shadow: inset 0 0 0 1px var(--line); }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
header { display: flex; align-items: center; gap: 10px; min-height: 60px; padding-block: 8px; padding-inline: 16px 8px; border-block-end: 1px solid var(--line); }
.sign { display: grid; place-items: center; width: 32px; height: 32px; border-radius: 9px; background: var(--accent); color: var(--on-accent); overflow: hidden; flex: none; }
.sign img { width: 100%; height: 100%; object-fit: cover; }
.sign .icon { width: 18px; height: 18px; }
.name { flex: 1; min-width: 0; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tools { display: flex; }
.main { position: relative; flex: 1; display: flex; min-height: 0; }
.column { flex: 1; min-width: 0; display: flex; flex-direction: column; }
.scroll { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding-inline: 16px; container-type: size; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
.scroll:focus-visible, .leaf:focus-visible { outline-offset: -2px; }
.welcome { display: none; padding-block: 28px 12px; }
[data-empty] .welcome { display: block; }
.welcome p { font: 500 21px/1.4 var(--serif); white-space: pre-line; }
.suggestions { display: flex; flex-direction: column; gap: 8px; padding: 4px 16px 12px; }
.suggestions button { width: 100%; min-height: 44px; padding: 9px 14px; border-radius: 12px; box-shadow: inset 0 0 0 1px var(--line); line-height: 1.4; }
.suggestions button:hover { background: var(--tint); color: var(--accent-text); box-shadow: inset 0 0 0 1px var(--accent-text); }
.composer { display: flex; align-items: flex-end; gap: 6px; margin: 4px 16px 16px; padding: 5px; border: 1px solid var(--edge); border-radius: var(--radius); background: var(--surface); }
.composer:focus-within { border-color: var(--accent-text); box-shadow: 0 0 0 1px var(--accent-text); }
.composer textarea { flex: 1; min-width: 0; resize: none; border: 0; background: none; padding: 10px; line-height: 24px; outline: none; }
::placeholder { color: var(--soft); opacity: 1; }
.send { display: grid; place-items: center; width: 44px; padding: 0; flex: none; border-radius: calc(var(--radius) - 4px); }
.absent { padding: 15vh 24px; text-align: center; color: var(--soft); background: var(--ground); }

@media (max-width: 639px) {
  [data-layout=launcher][data-open] { inset: 0; }
  [data-layout=launcher] .panel { position: fixed; inset: 0 !important; width: auto; max-width: none; height: 100dvh; max-height: none; border-radius: 0; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .launcher, .strong, .plain, .suggestions button, .cite, .panel { border: 1px solid; } }
`;

/** @type {CSSStyleSheet[]} */
let sheets = [];

/** One set for all elements of a page. */
export function styleSheets() {
  if (!sheets.length) sheets = [FRAME, ANSWER].map(styleSheet);
  return sheets;
}

/** The looks of a page of its own, which few visits need. */
export async function pageSheet() {
  return styleSheet(await (await readFile('style-page.css')).text());
}

/** A constructed sheet needs no `style-src` in a policy. @param {string} text */
export function styleSheet(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}
