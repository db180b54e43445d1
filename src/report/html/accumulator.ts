import { requiredWidth } from '../../../compiler/base/interval.ts';
import type { Layer } from '../../lint/finding.ts';
import type { LayerReport, WitnessPicture } from '../data/report.ts';
import { bar, table } from './bars.ts';
import type { Scale, Span } from './bars.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { count, interval, plural } from './words.ts';

/** The accumulator of every channel against the declared bits. */

type Ends = readonly [lo: number, hi: number];

/** Channels with a bar each; more become one picture, with the table below it. */
const MOST_BARS = 64;

export function accumulatorSection({ analysis, witness, convolution }: LayerReport): Markup {
  const { tiers, declaredBits } = analysis;
  const declared = declaredText(analysis);
  const lead =
    declaredBits !== null && analysis.requiredBits > declaredBits
      ? 'bad'
      : declaredBits === null
        ? ''
        : 'good';
  return markup`<section class="part">
<h3>Accumulator</h3>
<p class="${lead}">It lies in ${interval(analysis.interval)} and needs ${plural(analysis.requiredBits, 'bit')}; ${declared}.</p>
${tierTable(analysis)}
${channels(analysis)}
${tiers.calibrated === null ? null : histogram(tiers.calibrated)}
${witness === null ? null : witnessFigure(witness, analysis, convolution?.input.range ?? null)}
</section>`;
}

function declaredText({ declaredBits, declaredRange }: Layer): string {
  if (declaredBits === null || declaredRange === null) return 'no width is declared';
  const signed = declaredRange[0] < 0 ? 'signed' : 'unsigned';
  return `${plural(declaredBits, `${signed} bit`)} are declared, which hold ${interval(declaredRange)}`;
}

function tierTable({ tiers, taps }: Layer): Markup {
  const { datatype, l1, exact, calibrated, probabilistic } = tiers;
  const rows: string[][] = [
    [
      'datatype',
      'proof',
      interval(datatype.interval),
      String(datatype.requiredBits),
      `any ${plural(taps, 'weight')}`,
    ],
  ];
  if (l1 !== null)
    rows.push(['L1 norm', 'proof', interval(l1.interval), String(l1.requiredBits), `norm ${count(l1.norm)}`]);
  if (exact !== null)
    rows.push([
      'exact',
      'proof',
      interval(exact.interval),
      String(exact.requiredBits),
      'reached by an input',
    ]);
  if (calibrated !== null)
    rows.push([
      'calibrated',
      'estimate',
      interval(calibrated.interval),
      String(calibrated.requiredBits),
      `${plural(calibrated.samples, 'sum')} seen`,
    ]);
  if (probabilistic !== null)
    rows.push(['probability', 'estimate', '', '', probabilityText(probabilistic.overflowProbability)]);
  return table({
    caption: 'Bounds, from the roughest to the sharpest',
    head: [
      { title: 'bound', kind: 'text' },
      { title: 'kind', kind: 'text' },
      { title: 'range', kind: 'number' },
      { title: 'bits', kind: 'number' },
      { title: 'from', kind: 'text' },
    ],
    rows,
  });
}

function probabilityText(probability: number | null): string {
  if (probability === null) return 'P(overflow) takes too long to compute';
  return probability === 0
    ? 'no overflow is possible'
    : `P(overflow) of one output ${probability.toPrecision(3)}`;
}

interface ChannelRow {
  readonly exact: Ends;
  readonly seen: Ends | null;
}

function channelRows({ tiers }: Layer): ChannelRow[] {
  const sharpest = (tiers.exact ?? tiers.datatype).channels;
  return sharpest.map((exact, channel) => ({ exact, seen: tiers.calibrated?.channels[channel] ?? null }));
}

function scaleOf(rows: readonly ChannelRow[], declared: Ends | null): Scale {
  const ends = [[0, 0] as const, ...rows.map(({ exact }) => exact)];
  const lo = ends.reduce((least, end) => Math.min(least, end[0]), 0);
  const hi = ends.reduce((most, end) => Math.max(most, end[1]), 0);
  // A declared width that is far too wide would leave nothing to see of the bars: then it is cut off.
  const reach = 4 * Math.max(hi, -lo, 1);
  if (declared === null) return { lo, hi: Math.max(hi, lo + 1) };
  return {
    lo: Math.min(lo, Math.max(declared[0], -reach)),
    hi: Math.max(hi, Math.min(declared[1], reach)),
  };
}

function isOver([lo, hi]: Ends, declared: Ends | null): boolean {
  return declared !== null && (lo < declared[0] || hi > declared[1]);
}

function spansOf({ exact, seen }: ChannelRow, declared: Ends | null): Span[] {
  return [
    ...(declared === null ? [] : [{ from: declared[0], to: declared[1], kind: 'declared' } as const]),
    { from: exact[0], to: exact[1], kind: isOver(exact, declared) ? 'over' : 'exact' },
    ...(seen === null ? [] : [{ from: seen[0], to: seen[1], kind: 'seen' } as const]),
  ];
}

function channels(layer: Layer): Markup {
  const rows = channelRows(layer);
  const { declaredRange } = layer;
  const scale = scaleOf(rows, declaredRange);
  const withBars = rows.length <= MOST_BARS;
  const hasSeen = layer.tiers.calibrated !== null;
  const cells = rows.map((row, channel) => [
    String(channel),
    interval(row.exact),
    String(requiredWidth({ lo: row.exact[0], hi: row.exact[1] }).bits),
    ...(hasSeen ? [row.seen === null ? '' : interval(row.seen)] : []),
    ...(withBars ? [bar(spansOf(row, declaredRange), scale)] : []),
  ]);
  const found = table({
    caption: `Every output channel${withBars ? `, from ${scale.lo} to ${scale.hi}` : ''}`,
    head: [
      { title: 'channel', kind: 'number' },
      { title: 'exact range', kind: 'number' },
      { title: 'bits', kind: 'number' },
      ...(hasSeen ? [{ title: 'seen', kind: 'number' } as const] : []),
      ...(withBars ? [{ title: legend(declaredRange !== null, hasSeen), kind: 'bar' } as const] : []),
    ],
    rows: cells,
  });
  if (withBars) return found;
  return markup`${strip(rows, scale, declaredRange)}<details class="fold"><summary>All ${plural(rows.length, 'channel')} as a table</summary>${found}</details>`;
}

function legend(hasDeclared: boolean, hasSeen: boolean): string {
  const parts = [
    'wide bar: exact',
    ...(hasSeen ? ['thin bar: seen'] : []),
    ...(hasDeclared ? ['ground: declared'] : []),
  ];
  return parts.join(', ');
}

/** Many channels in one picture: a column of pixels each. Two paths, so that thousands of channels stay small. */
function strip(rows: readonly ChannelRow[], scale: Scale, declared: Ends | null): Markup {
  const height = 200;
  const y = (value: number): number =>
    Math.round((10 * height * (scale.hi - value)) / Math.max(1, scale.hi - scale.lo)) / 10;
  const clamp = (value: number): number => Math.min(height, Math.max(0, y(value)));
  const path = (of: (row: ChannelRow) => Ends | null): string =>
    rows
      .map((row, index) => {
        const ends = of(row);
        return ends === null
          ? ''
          : `M${index} ${clamp(ends[1])}V${Math.max(clamp(ends[1]) + 0.5, clamp(ends[0]))}`;
      })
      .join('');
  const ground =
    declared === null
      ? null
      : markup`<rect class="b-declared" x="0" y="${clamp(declared[1])}" width="${rows.length}" height="${clamp(declared[0]) - clamp(declared[1])}"/>`;
  const label = `Ranges of ${plural(rows.length, 'output channel')} side by side, from ${scale.lo} (bottom) to ${scale.hi} (top)`;
  return markup`<figure><svg class="strip" viewBox="-0.5 0 ${rows.length} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">${ground}<path class="s-exact" d="${path(({ exact }) => exact)}"/><path class="s-over" d="${path(({ exact }) => (isOver(exact, declared) ? exact : null))}"/><path class="s-seen" d="${path(({ seen }) => seen)}"/></svg><figcaption>${label}.</figcaption></figure>`;
}

function histogram({ histogram: bins }: NonNullable<Layer['tiers']['calibrated']>): Markup {
  const most = bins.reduce((largest, bin) => Math.max(largest, bin.count), 0);
  return table({
    caption: 'How often sample inputs gave which sums',
    head: [
      { title: 'sum', kind: 'number' },
      { title: 'times', kind: 'number' },
      { title: 'share', kind: 'bar' },
    ],
    rows: bins.map((bin) => [
      `${bin.from} to ${bin.to}`,
      count(bin.count),
      bar(bin.count === 0 ? [] : [{ from: 0, to: bin.count, kind: 'seen' }], { lo: 0, hi: most }),
    ]),
  });
}

function witnessFigure(witness: WitnessPicture, layer: Layer, range: Scale | null): Markup {
  const { channel, cell, low, high, channels: all } = witness;
  const values = [...low, ...high].flat(2);
  const scale = range ?? { lo: Math.min(...values), hi: Math.max(...values) };
  const ends = (layer.tiers.exact ?? layer.tiers.datatype).channels[channel];
  const cut = all > low.length ? ` The first ${low.length} of ${all} input channels are shown.` : '';
  const side = (title: string, patches: WitnessPicture['low']): Markup =>
    markup`<div class="patches"><p>${title}</p>${patches.map((rows, index) => markup`<div>${patches.length > 1 ? markup`<span>channel ${index}</span>` : null}${patch(rows, scale, `Input channel ${index}: ${rows.map((row) => row.join(' ')).join('; ')}`)}</div>`)}</div>`;
  return markup`<figure class="witness"><figcaption>Inputs under the kernel that drive output channel ${channel} to its ends, at row ${cell[0]}, column ${cell[1]}.${cut}</figcaption>${side(`low end${ends === undefined ? '' : `: ${ends[0]}`}`, low)}${side(`high end${ends === undefined ? '' : `: ${ends[1]}`}`, high)}</figure>`;
}

/** Wide enough for "-128". */
const CELL = 34;

/** One channel of a patch: numbers on the darker, the larger. */
function patch(rows: readonly (readonly number[])[], { lo, hi }: Scale, label: string): Markup {
  const width = (rows[0]?.length ?? 0) * CELL;
  const height = rows.length * CELL;
  const isSmall = rows.length <= 9 && (rows[0]?.length ?? 0) <= 9;
  const cells = rows.flatMap((row, y) =>
    row.map((value, x) => {
      const part = hi === lo ? 0 : (value - lo) / (hi - lo);
      const shade = Math.round(4 * part);
      const text = isSmall
        ? markup`<text class="t${shade}" x="${(x + 0.5) * CELL}" y="${(y + 0.5) * CELL}">${value}</text>`
        : null;
      return markup`<rect class="p${shade}" x="${x * CELL}" y="${y * CELL}" width="${CELL - 1}" height="${CELL - 1}"/>${text}`;
    }),
  );
  const shown = isSmall ? 1 : 0.3;
  return markup`<svg class="patch" viewBox="0 0 ${width} ${height}" width="${Math.round(width * shown)}" height="${Math.round(height * shown)}" role="img" aria-label="${label}">${cells}</svg>`;
}
