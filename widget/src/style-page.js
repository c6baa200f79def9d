/** Looks of the assistant as a page of its own, which are loaded there alone. */

export const PAGE = `
[data-layout=page] .panel { height: 100dvh; background: var(--ground); }
[data-layout=page] .column { --well: var(--surface); }
[data-layout=page] header { border: 0; background: none; padding-inline: 20px 12px; }
[data-layout=page] :is(.scroll, .composer, .suggestions) { width: 100%; max-width: 760px; margin-inline: auto; }
[data-layout=page] .composer { width: calc(100% - 32px); max-width: 728px; margin-block-end: 24px; box-shadow: 0 2px 12px rgb(30 25 15 / .06); }
[data-layout=page] .composer:focus-within { box-shadow: 0 0 0 1px var(--accent-text), 0 2px 12px rgb(30 25 15 / .06); }
[data-layout=page] [data-empty] .column { justify-content: center; padding-block-end: 12vh; overflow-y: auto; }
[data-layout=page] [data-empty] .scroll { flex: none; container-type: normal; overflow: visible; padding-inline: 16px; }
[data-layout=page] [data-empty] .composer { margin-block: 12px 16px; }
[data-layout=page] .welcome h1 { display: inline; font: 500 clamp(32px, 6vw, 48px)/1.2 var(--serif); letter-spacing: -.015em; background: linear-gradient(transparent 60%, var(--mark) 60% 92%, transparent 92%); }
[data-layout=page] .welcome p { font: 400 18px/1.55 var(--font); color: var(--soft); max-width: 56ch; margin-block-start: 16px; }
[data-layout=page] .suggestions { flex-flow: row wrap; padding-inline: 16px; }
[data-layout=page] .suggestions button { background: var(--surface); border-radius: 22px; padding-inline: 18px; font-size: 15px; }
[data-layout=page] .suggestions button:hover { background: var(--tint); }
[data-layout=page] [data-empty] header > * { visibility: hidden; }
[data-layout=page] .question { font: 500 26px/1.3 var(--serif); letter-spacing: -.01em; max-width: none; width: auto; margin: 0; padding: 0; background: none; text-wrap: pretty; }
[data-layout=page] .turn { padding-block: 28px 16px; }
[data-layout=page] .turn + .turn { border-block-start: 1px solid var(--line); }
[data-layout=page] .answer { margin-block-start: 16px; }
[data-layout=page] .answer > .prose { font-size: 17px; line-height: 1.65; }
[data-layout=page] .leaf .prose { font-size: 16px; }
@media (min-width: 640px) { [data-layout=page] .sources li { flex: 0 1 calc(50% - 4px); } }
@media (min-width: 1080px) {
  [data-layout=page] .passage { position: static; width: min(420px, 36vw); margin: 0 16px 16px 0; border-radius: var(--radius); box-shadow: inset 0 0 0 1px var(--line); overflow: hidden; }
  [data-layout=page] [dir=rtl] .passage { margin: 0 0 16px 16px; }
}
`;
