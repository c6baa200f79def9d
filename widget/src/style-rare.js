/** Looks of what is loaded only when it is used. */

export const RARE = `
[data-aside] .turn { min-height: 0; }
.card { display: grid; gap: 10px; justify-items: start; margin-block: 8px; padding: 14px; border-radius: 12px; background: var(--well); box-shadow: inset 0 0 0 1px var(--line); }
fieldset { border: 0; margin: 0; padding: 0; display: grid; }
legend { padding: 0; font-weight: 600; }
.choice { display: flex; align-items: center; gap: 10px; min-height: 44px; cursor: pointer; }
input[type=radio] { width: 18px; height: 18px; accent-color: var(--accent-text); }
.card :is(textarea, input:not([type=radio])) { width: 100%; padding: 10px; border: 1px solid var(--edge); border-radius: 8px; background: var(--surface); resize: vertical; }
.why ol { counter-reset: hit; display: grid; gap: 2px; margin-block: 10px 8px; }
.why li { counter-increment: hit; position: relative; display: grid; gap: 2px; padding-block: 8px; padding-inline-start: 28px; }
.why li::before { content: counter(hit); position: absolute; inset-inline-start: 2px; inset-block-start: 8px; font-variant-numeric: tabular-nums; }
.why .title { color: var(--ink); font-weight: 500; }
.why button.title { min-height: 24px; text-decoration: underline; text-decoration-color: var(--edge); text-underline-offset: 3px; }
.score { display: flex; gap: 1px; height: 5px; margin-block: 4px 2px; border-radius: 3px; overflow: hidden; background: color-mix(in srgb, var(--ink) 9%, transparent); }
.score .sparse { background: var(--accent-text); }
.score .dense { background: var(--edge); }
.places { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: center; font-size: 13px; }
.places mark { padding: 1px 6px; color: var(--ink); }
.places span::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-inline-end: 6px; border-radius: 2px; background: var(--accent-text); }
.places .dense::before { background: var(--edge); }
.sure { border: 0; border-radius: var(--radius); padding: 24px; max-width: 340px; background: var(--surface); color: var(--ink); box-shadow: var(--shadow); }
.sure::backdrop { background: rgb(0 0 0 / .35); }
.sure p { margin-block-end: 18px; }
.sure button { margin-inline-end: 8px; }
.card label:not(.choice) { display: grid; gap: 4px; width: 100%; font-weight: 500; }
.card :is(textarea, input:not([type=radio])) { min-height: 44px; font-weight: 400; }
.card p:empty { display: none; }
.lead-title { font-weight: 600; }
.consent { font-size: 13px; }
.card .strong { margin-inline-end: 8px; }
.person-note { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; margin-block-start: 16px; }
`;
