/**
 * The stylesheet of reports. No element has a style of its own, because the content policy allows none: what data decide
 * (lengths, places) are attributes of SVG.
 */

/** Colours, light and dark; pictures that stand alone take them too. */
export const COLOURS = `:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f6f5, #101719);
  --card: light-dark(#ffffff, #172124);
  --text: light-dark(#16262a, #e3edec);
  --quiet: light-dark(#4b6066, #9fb4b7);
  --line: light-dark(#d2dcdb, #2d3e42);
  --accent: light-dark(#0b6065, #7cd4d2);
  --bad: light-dark(#a3231f, #ff9d94);
  --good: light-dark(#1c6a35, #86dca0);
  --warn: light-dark(#7a4d00, #f0c065);
  --empty: light-dark(#eaf0ef, #1e2b2f);
  --sent: light-dark(#cfe0df, #2b4247);
  --in-even: light-dark(#2b8187, #58b7b7);
  --in-odd: light-dark(#6fb0b1, #33797d);
  --out-even: light-dark(#b0612a, #e2a068);
  --out-odd: light-dark(#d69a6a, #9d6236);
  --mark: light-dark(#c2185b, #ffe14d);
  --edge: light-dark(#a9b8b9, #060b0c);
  --lines: light-dark(#ffffff, #172124);
  --declared: light-dark(#dde6e5, #26363a);
  --exact: light-dark(#4d9ba0, #3f8f93);
  --seen: light-dark(#0b4a4e, #bdf0ee);
}
`;

/** What pictures of packings are coloured by. */
export const PICTURE_STYLE = `.k-empty { fill: var(--empty); }
.k-sent, .k-upload-even, .k-upload-odd, .k-result-even, .k-result-odd, [class^="w-"] { stroke-width: 1; fill: none; }
.k-sent { stroke: var(--sent); }
.k-upload-even { stroke: var(--in-even); }
.k-upload-odd { stroke: var(--in-odd); }
.k-result-even { stroke: var(--out-even); }
.k-result-odd { stroke: var(--out-odd); }
.k-lines { stroke: var(--lines); stroke-width: 0.08; fill: none; shape-rendering: geometricPrecision; }
.mark { fill: none; stroke: var(--mark); stroke-width: 0.25; shape-rendering: geometricPrecision; }
.matrix .mark { vector-effect: non-scaling-stroke; stroke-width: 1.5; }
.cells, .matrix, .tiles { shape-rendering: crispEdges; }
.w-pos1 { stroke: light-dark(#b9dcdc, #244b4e); }
.w-pos2 { stroke: light-dark(#78b9ba, #33797d); }
.w-pos3 { stroke: light-dark(#2b8187, #58b7b7); }
.w-pos4 { stroke: light-dark(#07484c, #a5efed); }
.w-neg1 { stroke: light-dark(#f0d3bb, #4f3018); }
.w-neg2 { stroke: light-dark(#dba47a, #85502a); }
.w-neg3 { stroke: light-dark(#b0612a, #c98650); }
.w-neg4 { stroke: light-dark(#6d3208, #ffcda1); }
`;

/** Columns by what they hold (bars.ts): numbers to the right, bars as wide as there is room. */
const COLUMN_STYLE = Array.from({ length: 11 }, (_, index) => index + 1)
  .flatMap((column) => {
    const cells = `tr > :nth-child(${column})`;
    return [
      ...(column === 1 ? [] : [`.r${column} ${cells} { text-align: right; white-space: nowrap; }`]),
      `.b${column} ${cells} { width: 40%; min-width: 7rem; }`,
    ];
  })
  .concat('.b9 tr > :nth-child(9), .b11 tr > :nth-child(11) { width: 14%; min-width: 5rem; }\n')
  .join('\n');

/** A shadow at each side beyond which a box scrolls: what moves with the content covers it at the ends. */
const EDGES = [
  'linear-gradient(to right, var(--card) 50%, transparent) left / 2rem 100% no-repeat local',
  'linear-gradient(to left, var(--card) 50%, transparent) right / 2rem 100% no-repeat local',
  'linear-gradient(to right, var(--edge), transparent) left / 0.8rem 100% no-repeat scroll',
  'linear-gradient(to left, var(--edge), transparent) right / 0.8rem 100% no-repeat scroll',
].join(', ');

export const REPORT_STYLE = `${COLOURS}${PICTURE_STYLE}:root {
  font: 16px/1.5 system-ui, sans-serif;
  background: var(--ground);
  color: var(--text);
}
[hidden] { display: none !important; }
body { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.7rem; letter-spacing: -0.01em; line-height: 1.2; }
h2 { margin: 0 0 0.6rem; font-size: 1.2rem; }
h3 { margin: 0 0 0.4rem; font-size: 1.05rem; }
h4 { margin: 1.2rem 0 0.3rem; font-size: 0.95rem; }
p { margin: 0.3rem 0; max-width: 52rem; }
a { color: var(--accent); }
code { font-size: 0.9em; }
.top { margin-bottom: 1rem; }
.brand { color: var(--quiet); font-size: 0.85rem; }
.digest { color: var(--quiet); font: 0.8rem/1.4 ui-monospace, monospace; }
.quiet, figcaption, footer, caption { color: var(--quiet); }
footer { font-size: 0.85rem; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.card { margin: 0 0 1rem; padding: 1rem 1.2rem; border: 1px solid var(--line); border-radius: 0.6rem; background: var(--card); }
.part { margin: 1.2rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); }
summary { cursor: pointer; }
.layer > summary { display: flex; flex-wrap: wrap; gap: 0.3rem 0.7rem; align-items: baseline; list-style: none; }
.layer > summary::-webkit-details-marker { display: none; }
.layer > summary::before { content: "▸"; color: var(--quiet); }
.layer[open] > summary::before { content: "▾"; }
.layer > summary h2 { margin: 0; }
.layer > summary .op { min-width: 0; overflow-wrap: anywhere; color: var(--quiet); flex: 1 1 auto; }
.fold { margin: 0.6rem 0; }
.fold > summary { color: var(--accent); }
.badge { padding: 0.05rem 0.5rem; border: 1px solid currentColor; border-radius: 1rem; font-size: 0.75rem; font-weight: 600; white-space: nowrap; }
.badge.encrypted { color: var(--good); }
.badge.refused, .badge.error { color: var(--bad); }
.badge.warning { color: var(--warn); }
.badge.linted, .badge.info { color: var(--quiet); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 0.6rem 1rem; margin: 0.6rem 0; }
.facts dt { color: var(--quiet); font-size: 0.8rem; }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.why { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0.4rem 0.6rem; margin: 0.3rem 0; max-width: 54rem; }
.said { grid-template-columns: max-content 1fr; }
.why dt { font-weight: 700; color: var(--accent); }
.why dd { margin: 0; }
.scroll { overflow-x: auto; margin: 0.7rem 0; max-height: 32rem; overflow-y: auto; background: ${EDGES}; }
.tall { max-height: 40rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: 0 0 0.3rem; font-size: 0.8rem; }
th, td { padding: 0.25rem 1rem 0.25rem 0; text-align: left; vertical-align: middle; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 600; font-size: 0.78rem; position: sticky; top: 0; background: var(--card); }
tbody th { font-weight: 500; }
${COLUMN_STYLE}.bar { display: block; width: 100%; height: 1rem; }
.b-declared { fill: var(--declared); }
.b-exact, .b-plain { fill: var(--exact); }
.b-over { fill: var(--bad); }
.b-seen { fill: var(--seen); }
.b-limit { fill: var(--warn); }
.b-zero { fill: var(--text); }
.strip { display: block; width: 100%; height: 12rem; border: 1px solid var(--line); }
.s-exact, .s-over, .s-seen { fill: none; stroke-width: 1.05; }
.s-exact { stroke: var(--exact); }
.s-over { stroke: var(--bad); }
.s-seen { stroke: var(--seen); stroke-width: 0.6; }
figure { margin: 0.8rem 0; min-width: 0; }
figcaption { font-size: 0.8rem; margin-top: 0.3rem; max-width: 40rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0.5rem 1.5rem; align-items: start; }
.cells { display: block; width: 100%; max-width: 28rem; max-height: 44rem; background: var(--card); }
.matrix { display: block; width: 100%; max-width: 34rem; max-height: 40rem; }
.matrix.small { max-width: 16rem; }
.tiles { display: block; width: 100%; max-width: 24rem; border: 1px solid var(--line); }
.tile { fill-opacity: 0.45; stroke: var(--text); stroke-width: 0.3; }
.q0 { fill: var(--in-even); }
.q1 { fill: var(--out-even); }
.witness { display: flex; flex-wrap: wrap; gap: 0.3rem 2.5rem; }
.witness figcaption { flex: 1 0 100%; max-width: none; }
.patches { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.patches p { flex: 1 0 100%; font-size: 0.9rem; }
.patches span { display: block; color: var(--quiet); font-size: 0.75rem; white-space: nowrap; }
.patch text { font: 600 11px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; }
.p0 { fill: var(--empty); }
.p1 { fill: light-dark(#b9dcdc, #244b4e); }
.p2 { fill: light-dark(#78b9ba, #33797d); }
.p3 { fill: light-dark(#2b8187, #58b7b7); }
.p4 { fill: light-dark(#07484c, #a5efed); }
.t0, .t1 { fill: var(--text); }
.t2 { fill: light-dark(#0a1a1c, #ffffff); }
.t3, .t4 { fill: light-dark(#ffffff, #06181a); }
.graph { display: block; font: 13px system-ui, sans-serif; }
.edge { fill: none; stroke: var(--quiet); stroke-width: 1.4; }
.node .box { fill: var(--card); stroke: var(--line); stroke-width: 1.2; }
.node .name { fill: var(--text); font-weight: 600; }
.node .ops { fill: var(--quiet); font-size: 11.5px; }
.node .badge-text { font-size: 10.5px; font-weight: 600; text-anchor: middle; fill: var(--card); }
.n-input .badge, .n-output .badge { fill: var(--quiet); }
.n-clear .badge { fill: var(--warn); }
.n-encrypted .badge { fill: var(--good); }
.n-encrypted .box { stroke: var(--good); }
.n-refused .badge { fill: var(--bad); }
.n-refused .box { stroke: var(--bad); }
.graph a:focus-visible .box { stroke: var(--mark); stroke-width: 3; }
.findings { list-style: none; padding: 0; margin: 0.5rem 0; }
.finding { padding: 0.5rem 0 0.5rem 0.8rem; border-left: 3px solid var(--line); margin: 0.4rem 0; }
.finding.error { border-color: var(--bad); }
.finding.warning { border-color: var(--warn); }
.plain { padding-left: 1.2rem; }
.cells, .matrix { scroll-margin-top: 6rem; }
.readout { position: sticky; top: 0; z-index: 1; pointer-events: none; max-width: none; min-height: 3.2rem; border: 1px solid var(--line); padding: 0.4rem 0.7rem; border-radius: 0.4rem; background: var(--empty); font-size: 0.9rem; font-variant-numeric: tabular-nums; }
.choice label { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
.choice input { flex: 1 1 12rem; max-width: 30rem; accent-color: var(--accent); }
button { font: inherit; font-size: 0.875rem; padding: 0.3rem 0.8rem; border: 1px solid var(--line); border-radius: 0.4rem; background: var(--card); color: var(--text); cursor: pointer; }
@media (max-width: 40rem) {
  .scroll > table { width: max-content; min-width: 100%; }
  thead th { white-space: nowrap; }
  th, td { max-width: 16rem; overflow-wrap: anywhere; }
  tbody th { max-width: 9rem; }
}
@media print {
  :root { color-scheme: light; font-size: 11px; background: none; }
  body { max-width: none; padding: 0; }
  .card { border: 0; padding: 0; }
  .scroll { max-height: none; overflow: visible; }
  .readout, .choice, footer { display: none !important; }
  details::details-content { content-visibility: visible; height: auto; }
  figure, tr, .finding { break-inside: avoid; }
  .bar, .strip, .cells, .matrix, .tiles, .patch, .graph { print-color-adjust: exact; }
  .graph { max-width: 100%; height: auto; }
}
`;
