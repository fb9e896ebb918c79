/** The report's style sheet: light and dark by the reader's setting, on paper light. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --sheet: #f5f6f7; --ink: #1b2126; --soft: #56616b; --line: #d5dade;
  --cost: #ab2a1d; --cost-tint: #fbe9e6; --gain: #0a6645; --gain-tint: #e2f4ec;
  --none: #1f5694; --none-tint: #e6eff9; --unsure: #6f5200; --unsure-tint: #fbf2d8;
  --mind: #8a4b00; --mind-tint: #fff3e0; --published: #6b3fa0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181b; --sheet: #1d2327; --ink: #e4e8eb; --soft: #9eabb5; --line: #38424a;
    --cost: #ff9a8d; --cost-tint: #3d211d; --gain: #77d9ae; --gain-tint: #17342a;
    --none: #93c1f5; --none-tint: #1a2d42; --unsure: #e5c567; --unsure-tint: #37301a;
    --mind: #ffbe76; --mind-tint: #3a2a16; --published: #c5a3f0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; overflow-wrap: anywhere; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
p { margin: .4rem 0 .8rem; max-width: 52rem; }
.soft { color: var(--soft); }
code { font: .9em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; max-width: 52rem; }
li { margin: .3rem 0; }
.mind { margin: 1.25rem 0; padding: .75rem 1rem; border-left: 4px solid var(--mind); background: var(--mind-tint); }
.mind strong { color: var(--mind); }
.mind ul { margin: .4rem 0 0; }
.scroll { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { overflow-wrap: break-word; padding: .45rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
thead th { background: var(--sheet); font-weight: 600; }
tbody th { font-weight: 500; }
.summary th, .summary td { min-width: 9rem; }
.summary tbody th, .summary thead th:first-child { position: sticky; left: 0; background: var(--paper); min-width: 11rem; z-index: 1; }
.summary thead th:first-child { background: var(--sheet); }
.detail tbody th { min-width: 9rem; } .detail .verdict { display: block; min-width: 8rem; }
.detail th, .detail td { padding: .45rem .5rem; }
td small, th small { display: block; color: var(--soft); font-weight: 400; }
.number { text-align: right; white-space: nowrap; }
.verdict { font-weight: 600; }
.r-cost { background: var(--cost-tint); } .r-cost .verdict { color: var(--cost); }
.r-gain { background: var(--gain-tint); } .r-gain .verdict { color: var(--gain); }
.r-none { background: var(--none-tint); } .r-none .verdict { color: var(--none); }
.r-inconclusive { background: var(--unsure-tint); } .r-inconclusive .verdict { color: var(--unsure); }
.r-not-run .verdict, .r-failed .verdict { color: var(--soft); font-weight: 400; }
.r-shown .verdict { color: var(--soft); font-weight: 400; }
.legend { display: flex; flex-wrap: wrap; gap: .4rem .6rem; padding: 0; list-style: none; max-width: none; font-size: .85rem; }
.legend li { margin: 0; padding: .1rem .6rem; border-radius: 4px; border: 1px solid var(--line); }
details { margin: .75rem 0; }
summary { cursor: pointer; font-weight: 500; }
.plot { display: block; width: 100%; min-width: 46rem; height: auto; font: 12px system-ui, "DejaVu Sans", sans-serif; }
.plot text { fill: var(--soft); }
.plot .lane { fill: var(--ink); }
.plot .grid { stroke: var(--line); }
.plot .rule { stroke: var(--soft); stroke-dasharray: 4 3; }
.plot circle { fill: currentColor; fill-opacity: .75; }
.plot .cross { stroke: currentColor; stroke-width: 1.5; fill: none; }
.plot .diamond { fill: var(--paper); stroke: currentColor; stroke-width: 1.8; }
.plot .interval { fill: currentColor; fill-opacity: .16; }
.plot .median { stroke: currentColor; stroke-width: 2.5; }
.k-baseline, .k-shown { color: var(--soft); } .k-cost { color: var(--cost); } .k-gain { color: var(--gain); }
.k-none { color: var(--none); } .k-inconclusive { color: var(--unsure); } .k-published { color: var(--published); }
@media print { :root { color-scheme: light; } main { max-width: none; padding: 0; } section { break-inside: avoid; } }
`;
