/** The page's style sheet. Colours are roles, with one set for light and one for dark; print is always light. */

const LIGHT = `
  --page: #f4f6f7; --paper: #ffffff; --sunk: #f0f3f4; --ink: #16212b; --muted: #566370; --rule: #dde3e7;
  --main: #0b7a75; --second: #c2621b; --baseline: #7b8794; --goal: #a23b72; --measured: #c2410c;
  --ok: #17734a; --bad: #b42318; --accent-soft: #e2f1f0; --warm-soft: #fdeee2; --bad-soft: #fdeceb;
  --c0: #0b7a75; --c1: #d98324; --c2: #5b5ea6; --c3: #c0504d; --c4: #6f9e3f; --c5: #2f6fb0; --c6: #a23b72; --c7: #8a7340;`;

const DARK = `
  --page: #0e1418; --paper: #161e24; --sunk: #1c262d; --ink: #e6edf1; --muted: #9fb0bc; --rule: #2c3840;
  --main: #3cc4b4; --second: #f0a35e; --baseline: #8d9ba7; --goal: #e889bb; --measured: #ff9a62;
  --ok: #58cf95; --bad: #ff8d84; --accent-soft: #12363a; --warm-soft: #3d2a1a; --bad-soft: #411f1e;
  --c0: #35b3a5; --c1: #eba24d; --c2: #9093dd; --c3: #e27f79; --c4: #9cca68; --c5: #6aa8e6; --c6: #dd7fb0; --c7: #c3a968;`;

const LAYOUT = `
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 3.5rem; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, .masthead { max-width: 1120px; margin: 0 auto; padding: 0 1.25rem; }
h1, h2, h3, h4 { line-height: 1.2; text-wrap: balance; }
h2 { font-size: 1.45rem; margin: 3rem 0 1rem; letter-spacing: -0.01em; }
h3 { font-size: 1.05rem; margin: 0; }
h4 { font-size: 0.95rem; margin: 1.75rem 0 0.4rem; }
p { margin: 0 0 0.6rem; }
a { color: var(--main); text-underline-offset: 0.15em; }
code, pre { font: 0.82em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { overflow-x: auto; background: var(--sunk); padding: 1rem; border-radius: 8px; }
small { font-size: 0.62em; font-weight: 400; color: var(--muted); }
:focus-visible { outline: 2px solid var(--main); outline-offset: 2px; border-radius: 3px; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.ok { color: var(--ok); } .bad { color: var(--bad); }
.note { color: var(--muted); font-size: 0.88rem; }
.masthead { display: flex; gap: 1.4rem; align-items: flex-start; padding-top: 3rem; padding-bottom: 1.6rem; }
.masthead .drop { width: 46px; flex: none; fill: var(--accent-soft); stroke: var(--main); stroke-width: 1.2; margin-top: 0.3rem; }
.masthead .level { fill: var(--main); stroke: none; }
.eyebrow { color: var(--muted); font-size: 0.88rem; margin: 0 0 0.35rem; }
h1 { font-size: clamp(1.8rem, 4.4vw, 2.6rem); margin: 0 0 0.7rem; letter-spacing: -0.022em; overflow-wrap: anywhere; }
.lede { font-size: 1.08rem; max-width: 62ch; margin: 0 0 0.9rem; text-wrap: pretty; }
.meta { display: flex; flex-wrap: wrap; gap: 0.4rem 0.9rem; align-items: center; color: var(--muted); font-size: 0.88rem; margin: 0; }
.pill { background: var(--accent-soft); color: var(--main); border-radius: 99px; padding: 0.15rem 0.75rem; font-weight: 600; }
.pill.running { background: var(--warm-soft); color: var(--second); }
nav { position: sticky; top: 0; z-index: 2; background: var(--paper); border-block: 1px solid var(--rule); padding: 0.55rem max(1.25rem, calc((100vw - 1080px) / 2)); display: flex; gap: 1.4rem; overflow-x: auto; font-size: 0.92rem; white-space: nowrap; }
nav a { color: var(--ink); text-decoration: none; } nav a:hover { color: var(--main); text-decoration: underline; }
`;

const PARTS = `
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); background: var(--paper); border: 1px solid var(--rule); border-radius: 12px; overflow: hidden; margin: 1.8rem 0 0; }
.tile { padding: 1rem 1.15rem; box-shadow: 1px 0 0 var(--rule), 0 1px 0 var(--rule); }
.tile dt { color: var(--muted); font-size: 0.84rem; }
.tile dd { margin: 0; }
.tile .value { font-size: 1.75rem; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; line-height: 1.3; overflow-wrap: anywhere; }
.tile .value small { font-size: 0.9rem; letter-spacing: 0; }
.tile .words { font-size: 1.15rem; letter-spacing: -0.01em; display: inline-block; line-height: 1.98; }
.tile .detail { font-size: 0.84rem; color: var(--muted); }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.1rem; }
figure.half { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; }
figure { margin: 0; background: var(--paper); border: 1px solid var(--rule); border-radius: 12px; padding: 1.15rem 1.25rem 0.9rem; min-width: 0; }
figure.wide { grid-column: 1 / -1; }
.figures > .note { grid-column: 1 / -1; margin: 0; }
figcaption .finding { margin: 0.35rem 0 0.7rem; font-size: 0.93rem; max-width: 86ch; }
figure .foot > .note { margin: 0.4rem 0 0; }
figure > svg { display: block; width: 100%; height: auto; overflow: visible; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; margin: 0 0 0.5rem; font-size: 0.84rem; color: var(--muted); }
.entry { display: inline-flex; align-items: center; gap: 0.45rem; }
.key { display: inline-block; width: 22px; height: 0; border-top: 3px solid var(--tone); }
.key.k-dashed { border-top: 2px dashed var(--tone); }
.key.k-band { height: 12px; border: 0; background: color-mix(in srgb, var(--tone) 24%, transparent); border-radius: 2px; }
.key.k-dot, .key.k-ring { width: 10px; height: 10px; border: 2px solid var(--key, var(--tone)); border-radius: 50%; }
.key.k-dot { background: var(--key, var(--tone)); }
.key.k-square, .key.k-hatch { width: 13px; height: 13px; border: 0; border-radius: 3px; background: var(--tone); }
.key.k-hatch { border: 1px solid var(--muted); background: repeating-linear-gradient(135deg, var(--muted) 0 2px, transparent 2px 5px); }
.t-main { --tone: var(--main); } .t-second { --tone: var(--second); } .t-baseline { --tone: var(--baseline); } .t-muted { --tone: var(--baseline); } .t-goal { --tone: var(--goal); }
.c0 { --tone: var(--c0); } .c1 { --tone: var(--c1); } .c2 { --tone: var(--c2); } .c3 { --tone: var(--c3); } .c4 { --tone: var(--c4); } .c5 { --tone: var(--c5); } .c6 { --tone: var(--c6); } .c7 { --tone: var(--c7); }
.sources { margin: 0.7rem 0 0; font-size: 0.76rem; color: var(--muted); line-height: 1.6; }
.sources span { white-space: nowrap; } .sources a { color: inherit; }
details.data { margin-top: 0.7rem; font-size: 0.88rem; }
summary { cursor: pointer; } details.data > summary { color: var(--muted); width: fit-content; }
.scroll { overflow-x: auto; margin: 0.6rem 0; max-height: 32rem; border: 1px solid var(--rule); border-radius: 8px; background: var(--paper); }
section > .scroll, .round-body > .scroll { max-height: none; }
table { border-collapse: collapse; width: 100%; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.6rem 0.75rem; color: var(--muted); caption-side: top; }
th, td { padding: 0.4rem 0.75rem; text-align: left; vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; color: var(--muted); border-bottom: 1px solid var(--rule); vertical-align: bottom; background: var(--paper); position: sticky; top: 0; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
.n { text-align: right; white-space: nowrap; }
thead .n { white-space: normal; }
tr.chosen > * { background: var(--accent-soft); }
.hash { overflow-wrap: anywhere; } .hash.whole { white-space: nowrap; font-size: 0.7rem; } .hash:target { background: var(--warm-soft); outline: 3px solid var(--warm-soft); }
.round { background: var(--paper); border: 1px solid var(--rule); border-radius: 12px; margin-top: 0.9rem; }
.round > summary { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: baseline; padding: 0.9rem 1.25rem; color: var(--muted); font-size: 0.92rem; list-style: none; }
.round > summary::before { content: "▸"; } .round[open] > summary::before { content: "▾"; } .round > summary::-webkit-details-marker { display: none; }
.round > summary h3 { color: var(--ink); }
.round-body { padding: 0 1.25rem 1.1rem; }
.facts, .terms { display: grid; gap: 0.3rem; margin: 0.2rem 0 0; font-size: 0.92rem; }
.facts div, .terms div { display: grid; grid-template-columns: 11rem 1fr; gap: 1rem; } .facts div { grid-template-columns: 5rem 1fr; }
.facts dt, .terms dt { color: var(--muted); } .facts dd, .terms dd { margin: 0; overflow-wrap: anywhere; max-width: 80ch; }
.gates { list-style: none; padding: 0; margin: 0.3rem 0 0; font-size: 0.92rem; } .gates li { color: var(--ink); }
.gates .mark { display: inline-block; min-width: 6.2rem; font-weight: 600; } .gates .ok .mark { color: var(--ok); } .gates .bad .mark { color: var(--bad); }
.cards { list-style: none; padding: 0; margin: 0.8rem 0 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(205px, 1fr)); gap: 0.8rem; }
.card { display: flex; flex-direction: column; border: 1px solid var(--rule); border-radius: 10px; padding: 0.65rem 0.75rem; background: var(--paper); min-width: 0; font-size: 0.86rem; break-inside: avoid; }
.card.improved { border-color: var(--measured); box-shadow: 0 0 0 1px var(--measured); }
.card.s-failed { background: var(--bad-soft); } .card.s-abandoned, .card.s-no-value, .card.s-pending { background: var(--sunk); }
.card-head { display: flex; align-items: baseline; gap: 0.45rem; margin: 0; flex-wrap: wrap; }
.rank { color: var(--muted); font-variant-numeric: tabular-nums; } .name { font-weight: 600; overflow-wrap: anywhere; min-width: 0; }
.chip { font-size: 0.7rem; border: 1px solid currentColor; color: var(--muted); border-radius: 99px; padding: 0 0.45rem; line-height: 1.5; white-space: nowrap; }
.chip.new-best { color: var(--measured); } .chip.top { color: var(--main); }
.molecule { display: block; width: 100%; height: auto; aspect-ratio: 5 / 4; object-fit: contain; margin: 0.25rem 0; }
.molecule.none { display: grid; place-items: center; color: var(--muted); border: 1px dashed var(--rule); border-radius: 6px; }
.values { display: grid; grid-template-columns: auto 1fr; gap: 0 0.7rem; margin: 0; font-variant-numeric: tabular-nums; }
.values dt { color: var(--muted); } .values dd { margin: 0; text-align: right; }
.measured-value { font-weight: 650; color: var(--measured); margin: 0; } .values small { display: block; font-size: 0.75rem; }
.no-value { font-weight: 600; } .s-failed .no-value { color: var(--bad); } .s-pending .no-value, .s-abandoned .no-value { color: var(--muted); }
.best .measured-value { font-size: 1.05rem; }
.reason { color: var(--muted); font-size: 0.78rem; line-height: 1.4; margin: 0.4rem 0; }
.smiles { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--muted); margin-top: auto; font-size: 0.7rem; }
`;

const CHARTS = `
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--muted); font-variant-numeric: tabular-nums; }
svg .grid line { stroke: var(--rule); stroke-width: 1; }
svg .ticks line, svg .axis { stroke: var(--baseline); stroke-width: 1; }
svg .axis-label { fill: var(--ink); } svg .level-label { fill: var(--muted); font-size: 11px; }
svg .line { fill: none; stroke: var(--tone); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
svg .line.dashed { stroke-width: 1.6; stroke-dasharray: 6 5; } svg .line.t-muted { stroke-width: 1.2; }
svg .band { fill: var(--tone); opacity: 0.22; }
svg .dots circle { fill: var(--tone); stroke: var(--paper); stroke-width: 1; } svg .dots circle.hollow { fill: var(--paper); stroke: var(--tone); stroke-width: 1.4; }
svg .dots circle:hover { stroke: var(--ink); stroke-width: 2; }
svg .bars rect { fill: var(--tone); stroke: var(--paper); stroke-width: 1; } svg .bars text { fill: var(--ink); } svg .bars .total { fill: var(--muted); }
svg .bars rect.hatched { fill: url(#hatch); stroke: none; } svg .hatch-gap { fill: var(--paper); opacity: 0.72; }
.strip { display: block; width: 100%; height: auto; margin: 0.35rem 0 0; }
.strip .rail { stroke: var(--rule); stroke-width: 1; } .strip .interval { fill: var(--baseline); opacity: 0.45; } .strip .mean { stroke: var(--ink); stroke-width: 1.6; } .strip .measured { fill: var(--measured); stroke: var(--paper); stroke-width: 1.2; }
`;

const ADAPTATIONS = `
@media (max-width: 820px) { figure.wide { overflow-x: auto; } figure.wide > svg { min-width: 660px; } .figures { grid-template-columns: minmax(0, 1fr); } .tiles { grid-template-columns: repeat(2, 1fr); } .terms div { grid-template-columns: 1fr; gap: 0; } }
@media (max-width: 480px) { .masthead .drop { display: none; } .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media print {
  @page { margin: 14mm; }
  body { background: #fff; font-size: 10.5pt; } nav, .data { display: none; } main, .masthead { max-width: none; padding-inline: 0; }
  .masthead { padding-top: 0; } h2, h3, h4 { break-after: avoid; } figure, .tile, .card, tr { break-inside: avoid; }
    .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4mm; } .tiles { grid-template-columns: repeat(4, 1fr); margin-top: 4mm; } .tile { padding: 2.5mm 3mm; } .tile .value { font-size: 15pt; } .tile .words { font-size: 11pt; }
  h1 { font-size: 22pt; } h2 { margin-top: 8mm; } figure { padding: 3mm; } figure.wide > svg { min-width: 0; } .hash.whole { white-space: normal; }
  details.round::details-content { content-visibility: visible; display: block; height: auto; } .round > summary::before { content: none !important; }
  .scroll { overflow: visible; max-height: none; } table { font-size: 8pt; } th, td { padding: 0.8mm 1.4mm; } .cards { grid-template-columns: repeat(4, 1fr); }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

export const STYLE = `
:root { color-scheme: light dark;${LIGHT}
}
@media screen and (prefers-color-scheme: dark) { :root {${DARK}
} }
${LAYOUT}${PARTS}${CHARTS}${ADAPTATIONS}`;
