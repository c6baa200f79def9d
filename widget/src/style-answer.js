/** Looks of questions, answers, sources and passages. */

export const ANSWER = `
.turn { padding-block: 20px 8px; }
.turn:last-child { min-height: 100cqh; }
.turn.person { min-height: 0; padding-block: 6px; }
.staff .question { margin-inline: 0 auto; background: var(--well); box-shadow: inset 0 0 0 1px var(--line); border-end-end-radius: 16px; border-end-start-radius: 4px; }
.question { font: inherit; font-weight: 500; width: fit-content; max-width: 88%; margin-inline-start: auto; padding: 9px 14px; border-radius: 16px; border-end-end-radius: 4px; background: var(--tint); white-space: pre-wrap; }
.answer { margin-block-start: 14px; }
.status { color: var(--soft); }
.status.streaming { animation: breathe 1.6s ease-in-out infinite alternate; }
.status.failed { color: var(--alarm); }
@keyframes breathe { to { opacity: .45; } }
.prose > * { margin-block: 0 .8em; margin-inline: 0; }
.prose h3 { font: 600 1.05em/1.35 var(--font); margin-block: 1.2em .4em; }
.prose > :first-child { margin-block-start: 0; }
.prose :is(ul, ol) { padding-inline-start: 1.4em; margin-block: .3em .8em; }
.prose ul { list-style: disc; }
.prose ol { list-style: decimal; }
.prose li { margin-block: .25em; padding-inline-start: .2em; }
.prose ::marker { color: var(--soft); }
.prose a { color: var(--accent-text); text-underline-offset: 2px; }
.prose code { font: .88em/1.5 ui-monospace, Menlo, monospace; background: var(--line); border-radius: 5px; padding: .1em .35em; }
.prose pre { padding: 12px 14px; border-radius: 10px; background: var(--well); box-shadow: inset 0 0 0 1px var(--line); overflow-x: auto; direction: ltr; text-align: left; }
.prose pre code { padding: 0; background: none; white-space: pre; }
.prose blockquote { padding-inline-start: 14px; border-inline-start: 3px solid var(--line); color: var(--soft); }
.prose hr { border: 0; border-block-start: 1px solid var(--line); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92em; }
th, td { padding: 6px 10px; border: 1px solid var(--line); text-align: start; vertical-align: top; }
th { background: var(--well); font-weight: 600; }
mark { background: var(--mark); color: inherit; border-radius: 2px; box-decoration-break: clone; -webkit-box-decoration-break: clone; padding-block: .1em; }
.cite, .number { display: inline-grid; place-items: center; min-width: 20px; height: 20px; padding-inline: 5px; border-radius: 6px; background: var(--tint); color: var(--accent-text); font: 600 12px/1 var(--font); }
.cite { position: relative; margin-inline-start: 3px; vertical-align: .12em; }
.cite::after { content: ""; position: absolute; inset: -12px; }
.cite + .cite::after { inset-inline-start: 0; }
.cite:hover, .sources button:hover .number { background: var(--accent); color: var(--on-accent); }
.sources { display: flex; flex-wrap: wrap; gap: 8px; margin-block: 4px 8px; }
.sources li { min-width: 0; max-width: 100%; flex: 1 1 100%; }
.sources button { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; align-items: center; align-content: center; width: 100%; min-height: 44px; padding: 7px 12px 7px 8px; border-radius: 10px; background: var(--well); box-shadow: inset 0 0 0 1px var(--line); font-size: 14px; line-height: 1.35; }
.sources button:hover { box-shadow: inset 0 0 0 1px var(--accent-text); }
.sources .number { grid-row: span 2; }
.sources :is(.title, .path) { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sources .title { font-weight: 500; }
.sources .title:last-child { grid-row: span 2; }
.path { color: var(--soft); font-size: 13px; }
.actions { display: flex; margin-inline-start: -12px; }
.actions .icon { width: 18px; height: 18px; }
.feedback { font-size: 15px; }
.feedback p { padding-block: 6px; color: var(--soft); }
.why { font-size: 14px; color: var(--soft); }
summary { display: flex; align-items: center; gap: 8px; min-height: 44px; cursor: pointer; width: fit-content; border-radius: 8px; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; width: 6px; height: 6px; border: solid currentColor; border-width: 0 1.6px 1.6px 0; transform: rotate(45deg) translate(-2px, -2px); transition: transform .15s; }
[open] > summary::before { transform: rotate(225deg) translate(-2px, -2px); }
summary:hover { color: var(--accent-text); }

.passage { position: absolute; inset: 0; z-index: 1; display: flex; flex-direction: column; background: var(--surface); animation: slide .2s ease-out; }
@keyframes slide { from { transform: translateY(32px); } }
.passage:focus-visible { outline: none; }
.bar { display: flex; align-items: center; gap: 4px; padding-inline: 8px; border-block-end: 1px solid var(--line); min-height: 52px; }
.label { color: var(--soft); font-size: 14px; }
.leaf { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 20px 20px 28px; }
.leaf h2 { font: 600 20px/1.3 var(--serif); }
.leaf .path { display: block; margin-block-start: 4px; }
.leaf .prose { margin-block: 18px; font-size: 15px; }
.visit { display: inline-flex; align-items: center; gap: 8px; min-height: 44px; padding-inline: 16px; border-radius: 10px; background: var(--tint); color: var(--accent-text); font-weight: 600; text-decoration: none; }
.visit:hover { text-decoration: underline; }
.visit .icon { width: 16px; height: 16px; }
`;
