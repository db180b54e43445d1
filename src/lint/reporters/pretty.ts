import { requiredWidth } from '../../../compiler/base/interval.ts';
import { printable, shortened } from '../../../compiler/base/printable.ts';
import type { Finding, Layer, Level, LintReport } from '../finding.ts';
import { costliest } from '../costliest.ts';
import { foldInfos } from './fold.ts';
import { alignColumns, bar, sparkline } from './table.ts';
import type { Align } from './table.ts';

/** How levels are coloured; the identity where there is no colour. */
export type Paint = (level: Level | 'file' | 'dim', text: string) => string;

export interface PrettyOptions {
  /** A table row for every output channel too. */
  readonly channels: boolean;
  /** Whether findings of models that only inform stand on lines of their own, or are counted. */
  readonly infos: 'each' | 'folded';
}

/** Findings grouped by file, a table of all convolutions, then one line that counts. Ends with a line break. */
export function prettyReport(report: LintReport, paint: Paint, { channels, infos }: PrettyOptions): string {
  const { findings, layers } = report;
  const shown = infos === 'each' ? findings : foldInfos(findings);
  const files = [...new Set(findings.map(({ file }) => file))];
  const groups = files.map((file) => {
    const lines = shown
      .filter((finding) => finding.file === file)
      .flatMap((finding) => findingLines(finding, paint));
    return `${paint('file', printable(file))}\n${lines.join('\n')}\n\n`;
  });
  const table = layers.length === 0 ? '' : `${layerTable(layers, channels, paint).join('\n')}\n\n`;
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  const summary = `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${count('info')} info`;
  return `${groups.join('')}${table}${plural(layers.length, 'convolution')} analysed: ${summary}\n`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const place = finding.line === null ? '-' : `${finding.line}:${finding.column ?? 1}`;
  const level = paint(finding.level, finding.level.padEnd(7));
  // Without a place the layer's name says where.
  const named = finding.line === null && finding.layer !== null ? `${shortened(finding.layer)}: ` : '';
  const head = `  ${place.padEnd(7)} ${level} ${printable(named + finding.message)}  ${paint('dim', finding.rule)}`;
  if (finding.hint === null) return [head];
  const [first = '', ...more] = printable(finding.hint).split('; ');
  const indent = ' '.repeat(18);
  return [head, `${indent}try: ${first}`, ...more.map((line) => `${indent}     ${line}`)];
}

const HEADER = ['convolution', 'taps', 'datatype', 'L1', 'exact', 'declared', '', 'full', 'range (exact)'];
const ALIGNS: readonly Align[] = [
  'left',
  'right',
  'right',
  'right',
  'right',
  'right',
  'left',
  'right',
  'left',
];

/** Bits by tier and how full the accumulator is; what is estimated stands below a convolution's row. */
function layerTable(layers: readonly Layer[], channels: boolean, paint: Paint): string[] {
  const rows = layers.flatMap((layer) => [
    { layer, cells: layerCells(layer), notes: estimateNotes(layer) },
    ...(channels ? channelRows(layer) : []),
  ]);
  const [header = '', ...lines] = alignColumns([HEADER, ...rows.map(({ cells }) => cells)], ALIGNS);
  const body = lines.flatMap((line, index) => [line, ...(rows[index]?.notes ?? [])]);
  const legend = 'bits needed by tier: datatype, L1 and exact are proofs; what is marked "estimate" is none';
  return [paint('dim', header), ...body, paint('dim', legend), ...costLines(layers)];
}

/** For files of several layers: which one costs most. */
function costLines(layers: readonly Layer[]): string[] {
  const files = [...new Set(layers.map(({ file }) => file))];
  return files.flatMap((file) => {
    const costs = layers.flatMap(({ name, products, requiredBits, ...layer }) =>
      layer.file === file && products !== null ? [{ name, products, bits: requiredBits }] : [],
    );
    const costly = costliest(costs);
    return costly === null ? [] : [files.length > 1 ? `${printable(file)}: ${costly}` : costly];
  });
}

function layerCells({ name, taps, tiers, declaredBits, declaredRange, interval }: Layer): string[] {
  const fill = declaredRange === null ? null : fullness(interval, declaredRange);
  return [
    printable(name),
    String(taps),
    String(tiers.datatype.requiredBits),
    bitsCell(tiers.l1),
    bitsCell(tiers.exact),
    declaredBits === null
      ? '-'
      : `${declaredBits}${declaredRange !== null && declaredRange[0] < 0 ? 's' : 'u'}`,
    fill === null ? '' : bar(fill),
    fill === null ? '' : percent(fill),
    `[${interval.join(', ')}]`,
  ];
}

function bitsCell(tier: { readonly requiredBits: number } | null): string {
  return tier === null ? '-' : String(tier.requiredBits);
}

/** Bits that each output channel needs by itself, by the sharpest tier there is. */
function channelRows(layer: Layer): { layer: Layer; cells: string[]; notes: string[] }[] {
  const { tiers, declaredRange } = layer;
  return (tiers.exact ?? tiers.datatype).channels.map((interval, channel) => {
    const fill = declaredRange === null ? null : fullness(interval, declaredRange);
    const bar1 = fill === null ? ['', ''] : [bar(fill), percent(fill)];
    const bits = String(requiredWidth({ lo: interval[0], hi: interval[1] }).bits);
    const widths = tiers.exact === null ? ['', bits, '', ''] : ['', '', '', bits];
    const cells = [`  channel ${channel}`, ...widths, '', ...bar1, `[${interval.join(', ')}]`];
    return { layer, cells, notes: [] };
  });
}

/** The part of the declared range that is used on its fuller side; past 1 it overflows. */
export function fullness(
  [lo, hi]: readonly [number, number],
  [least, most]: readonly [number, number],
): number {
  const above = hi <= 0 ? 0 : hi / most;
  const below = lo >= 0 ? 0 : least === 0 ? Infinity : lo / least;
  return Math.max(above, below);
}

function percent(fraction: number): string {
  if (fraction > 99) return '>9900%';
  // Rounded so that 100% means all of it, and more only where it overflows.
  return `${fraction > 1 ? Math.ceil(fraction * 100) : Math.floor(fraction * 100)}%`;
}

function headroomText(headroom: number | null): string {
  if (headroom === null) return '';
  return headroom < 0 ? `, ${plural(-headroom, 'bit')} short` : `, ${plural(headroom, 'bit')} of headroom`;
}

function estimateNotes({ tiers }: Layer): string[] {
  const { calibrated, probabilistic } = tiers;
  const notes: string[] = [];
  if (calibrated !== null) {
    const [lo, hi] = calibrated.interval;
    const wider = calibrated.timesWider.toFixed(1);
    const room = headroomText(calibrated.headroom);
    notes.push(
      `  estimate: ${plural(calibrated.samples, 'sample')} within [${lo}, ${hi}]${room}; the exact range is ${wider} times wider`,
      `  estimate: |${sparkline(calibrated.histogram.map(({ count }) => count))}|`,
    );
  }
  if (probabilistic?.overflowProbability === null)
    notes.push('  estimate: P(overflow) not computed, the distribution of the sum is too wide');
  const probability = probabilistic?.overflowProbability ?? 0;
  if (probabilistic !== null && probability > 0) {
    const bits = probabilistic.minusLog2 ?? 0;
    const inputs =
      probabilistic.inputs === 'uniform' ? 'independent uniform inputs' : 'independent inputs as sampled';
    notes.push(
      `  estimate: P(overflow) of one output ${bits >= 900 ? 'at most 2^-900' : `2^-${bits.toFixed(1)} = ${probability.toPrecision(3)}`} for ${inputs}`,
    );
  }
  return notes;
}
