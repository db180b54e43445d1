import { shortenedName } from './names.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { toBase64 } from '../../frontend/base64.ts';
import type { LayerReport, Report } from '../data/report.ts';
import { bar, table } from './bars.ts';
import { findingsSection } from './findings.ts';
import { graphSection } from './graph.ts';
import { factList, layerCard } from './layer.ts';
import { Markup, markup } from './markup.ts';
import type { Part } from './markup.ts';
import { REPORT_SCRIPT } from './script.ts';
import { REPORT_STYLE } from './style.ts';
import { bytes, count, duration, plural } from './words.ts';

/**
 * A report as one HTML file that asks for nothing: no address is in it, styles and the script stand in it, and its
 * content policy lets nothing else run. Everything can be read without the script, which only answers pointer and slider.
 *
 * The module is pure and runs in browsers. Pages that show a report among other things take `reportBody`, `REPORT_STYLE` and
 * `REPORT_SCRIPT` (which looks for viewers in `document` when it runs).
 */
export function reportDocument(report: Report): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(REPORT_SCRIPT)}'`,
    `style-src '${hashOf(REPORT_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const style = Markup.ofOwnText(REPORT_STYLE);
  const script = Markup.ofOwnText(REPORT_SCRIPT);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Markup.ofOwnText(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${report.title}: cipherconv report</title>
<style>${style}</style>
</head>
<body>
${reportBody(report)}
<script>${script}</script>
</body>
</html>
`.text;
}

function hashOf(text: string): string {
  return `sha256-${toBase64(sha256(utf8ToBytes(text)))}`;
}

/** What stands in the document's body. */
export function reportBody(report: Report): Markup {
  const { graph, layers, findings, subject } = report;
  const isMany = layers.length > 1;
  const isOfFiles = hasSeveralFiles(layers);
  const cards = layers.map((layer, index) =>
    layerCard(layer, {
      index,
      isOpen: !isMany,
      file: isOfFiles ? layer.analysis.file : null,
      findings: isMany ? findingsOf(report, layer) : [],
    }),
  );
  return markup`<header class="top"><p class="brand">cipherconv ${report.program}</p><h1>${report.title}</h1>${report.digest === null ? null : markup`<p class="digest">digest ${report.digest}</p>`}</header>
<main>
${summary(report)}
${subject === 'findings' || findings.length > 0 ? findingsSection(findings) : null}
${graph === null ? null : graphSection(graph)}
${isMany ? overview(layers) : null}
${isMany ? markup`<p class="choice" hidden data-all><button type="button" data-open="true">Open all layers</button> <button type="button" data-open="false">Close all layers</button></p>` : null}
${cards}
</main>
<footer><p>Times are estimates by the cost model, for one thread of the machine that it was measured on. Everything else is exact.</p></footer>`;
}

/** The linter takes folders, where one name may stand in many files. */
function hasSeveralFiles(layers: readonly LayerReport[]): boolean {
  return new Set(layers.map(({ analysis }) => analysis.file)).size > 1;
}

function findingsOf({ findings }: Report, { name, analysis }: LayerReport): Report['findings'] {
  return findings.filter(({ layer, file }) => layer === name && file === analysis.file);
}

function summary({ totals, subject, layers, findings }: Report): Markup {
  const facts: (readonly [string, Part])[] = [];
  const { encrypted, refused, clear, macs, rounds } = totals;
  if (subject === 'findings') facts.push(['convolutions', count(layers.length)]);
  else facts.push(['encrypted', plural(encrypted, 'layer')]);
  if (refused > 0) facts.push(['refused', plural(refused, 'layer')]);
  if (clear > 0) facts.push(['in the clear', plural(clear, 'linear or unknown node')]);
  if (macs !== null && macs.total > 0)
    facts.push([
      'under encryption',
      `${share(macs.encrypted, macs.total)} of ${count(macs.total)} multiply-accumulates`,
    ]);
  if (encrypted > 0) {
    if (rounds !== null) facts.push(['rounds', count(rounds)]);
    facts.push(
      ['upload', bytes(totals.upload)],
      ['response', bytes(totals.response)],
      ['once', totals.once === 0 ? 'nothing' : bytes(totals.once)],
      ['estimate', duration(totals.estimatedMilliseconds)],
    );
  }
  const bad = findings.filter(({ level }) => level === 'error');
  const rules = [...new Set(bad.map(({ rule }) => rule))].join(', ');
  const verdict =
    bad.length > 0
      ? markup`<p class="bad">${plural(bad.length, 'error')}: ${rules}.</p>`
      : refused > 0
        ? markup`<p class="bad">${plural(refused, 'layer')} cannot be compiled.</p>`
        : markup`<p class="good">${goodNews(layers)}</p>`;
  return markup`<section class="card" id="summary"><h2>Summary</h2>${verdict}${factList(facts)}</section>`;
}

function goodNews(layers: readonly LayerReport[]): string {
  if (layers.length === 0) return 'There is no convolution here.';
  return layers.every(({ analysis }) => analysis.declaredBits === null)
    ? 'No accumulator can overflow: t is chosen from the exact range of each.'
    : 'No accumulator can leave its declared bits.';
}

/** Never 100% of what is not all. */
function share(part: number, whole: number): string {
  return part === whole ? 'all' : `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)}%`;
}

function millisecondsOf({ outcome }: LayerReport): number {
  if (outcome.kind !== 'encrypted') return 0;
  return outcome.protocol?.own.onlineMilliseconds ?? outcome.search.estimatedMilliseconds;
}

function bytesOf({ outcome }: LayerReport): number {
  return outcome.kind === 'encrypted' ? outcome.bytes.upload + outcome.bytes.response : 0;
}

/** Characters of a name beside the columns of numbers. */
const NAME_IN_TABLE = 40;

function overview(layers: readonly LayerReport[]): Markup {
  const hasPlans = layers.some(({ outcome }) => outcome.kind === 'encrypted');
  const most = (of: (layer: LayerReport) => number): number =>
    layers.reduce((largest, layer) => Math.max(largest, of(layer)), 0);
  const isOfFiles = hasSeveralFiles(layers);
  const [mostBytes, mostTime] = [most(bytesOf), most(millisecondsOf)];
  const plain = (amount: number, hi: number): Markup =>
    bar(amount > 0 ? [{ from: 0, to: amount, kind: 'plain' }] : [], { lo: 0, hi });
  const rows = layers.map((layer, index) => {
    const { name, op, analysis, outcome } = layer;
    const plan = outcome.kind === 'encrypted' ? outcome : null;
    return [
      markup`<a href="#layer-${index}" title="${name}">${shortenedName(name, NAME_IN_TABLE)}</a>`,
      op,
      markup`<span class="badge ${outcome.kind}">${outcome.kind}</span>`,
      String(analysis.requiredBits),
      analysis.declaredBits === null ? '' : String(analysis.declaredBits),
      ...(hasPlans
        ? [
            plan === null ? '' : String(plan.parameters.degree),
            plan === null ? '' : String(plan.parameters.plainModulus),
            plan === null ? '' : count(bytesOf(layer)),
            plain(bytesOf(layer), mostBytes),
            plan === null ? '' : duration(millisecondsOf(layer)),
            plain(millisecondsOf(layer), mostTime),
          ]
        : []),
      ...(isOfFiles ? [analysis.file] : []),
    ];
  });
  const found = table({
    caption: isOfFiles ? 'All layers, file by file' : 'All layers, in the order in which they run',
    head: [
      { title: 'layer', kind: 'text' },
      { title: 'operator', kind: 'text' },
      { title: 'fate', kind: 'text' },
      { title: 'bits needed', kind: 'number' },
      { title: 'declared', kind: 'number' },
      ...(hasPlans
        ? ([
            { title: 'N', kind: 'number' },
            { title: 't', kind: 'number' },
            { title: 'bytes', kind: 'number' },
            { title: 'of bytes', kind: 'bar' },
            { title: 'time', kind: 'number' },
            { title: 'of time', kind: 'bar' },
          ] as const)
        : []),
      ...(isOfFiles ? ([{ title: 'file', kind: 'text' }] as const) : []),
    ],
    rows,
  });
  return markup`<section class="card" id="layers"><h2>Layers</h2>${found}</section>`;
}
