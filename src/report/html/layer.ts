import { shortenedName } from './names.ts';
import { requiredWidth } from '../../../compiler/base/interval.ts';
import type { CostPart, EncryptedLayer, LayerReport, RefusedLayer } from '../data/report.ts';
import { accumulatorSection } from './accumulator.ts';
import { bar, barTable, table } from './bars.ts';
import { findingItems } from './findings.ts';
import { markup } from './markup.ts';
import type { Markup, Part } from './markup.ts';
import { packingSection } from './packing.ts';
import { bytes, count, duration, plural } from './words.ts';
import type { Finding } from '../../lint/finding.ts';
import { refusalReason } from '../loweringReport.ts';

/** One convolution. */

export interface LayerPlace {
  /** Position in the report. */
  readonly index: number;
  /** Whether it is open at first. */
  readonly isOpen: boolean;
  /** Its file, where the report is about several. */
  readonly file: string | null;
  /** What the linter says of it. */
  readonly findings: readonly Finding[];
}

const BADGES = { encrypted: 'encrypted', refused: 'refused', linted: 'linted' } as const;

/** Characters of a name on two lines of a narrow screen; the whole stands among the facts. */
const NAME_IN_HEADING = 60;

export function layerCard(layer: LayerReport, { index, isOpen, file, findings }: LayerPlace): Markup {
  const { name, op, outcome } = layer;
  const head = markup`<summary><h2 title="${name}">${shortenedName(name, NAME_IN_HEADING)}</h2><span class="op">${file === null ? op : `${op} of ${file}`}</span><span class="badge ${outcome.kind}">${BADGES[outcome.kind]}</span></summary>`;
  const body = markup`${facts(layer)}${findings.length === 0 ? null : markup`<section class="part"><h3>Findings</h3>${findingItems(findings)}</section>`}${
    outcome.kind === 'refused' ? refusal(outcome) : null
  }${accumulatorSection(layer)}${outcome.kind === 'encrypted' ? encrypted(outcome, index) : null}`;
  return isOpen
    ? markup`<details class="card layer" id="layer-${index}" open>${head}${body}</details>`
    : markup`<details class="card layer" id="layer-${index}">${head}${body}</details>`;
}

/** Short facts side by side. */
export function factList(entries: readonly (readonly [string, Part])[]): Markup {
  return markup`<dl class="facts">${entries.map(([term, value]) => markup`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function width({ bits, signed }: { readonly bits: number; readonly signed: boolean }): string {
  return `${plural(bits, 'bit')} ${signed ? 'signed' : 'unsigned'}`;
}

function facts({ name, convolution, analysis, outcome }: LayerReport): Markup {
  const needed = width(requiredWidth({ lo: analysis.interval[0], hi: analysis.interval[1] }));
  const entries: (readonly [string, Part])[] = [];
  if (shortenedName(name, NAME_IN_HEADING) !== name) entries.push(['whole name', name]);
  if (outcome.kind === 'linted') entries.push(['file', analysis.file]);
  if (convolution !== null) {
    const { input, weights, output, strides, pads, dilations, group } = convolution;
    entries.push(
      ['input', `${input.batch} × ${input.channels} × ${input.height} × ${input.width}, ${width(input)}`],
      [
        'filter',
        `${weights.outChannels} × ${weights.channelsPerGroup} × ${weights.kernelHeight} × ${weights.kernelWidth}, ${width(weights)}`,
      ],
      ['output', `${output.batch} × ${output.channels} × ${output.height} × ${output.width}`],
    );
    const extras = [
      strides.every((stride) => stride === 1) ? null : `stride ${strides.join(' × ')}`,
      pads.every((pad) => pad === 0) ? null : `pads ${pads.join(', ')}`,
      dilations.every((dilation) => dilation === 1) ? null : `dilation ${dilations.join(' × ')}`,
      group === 1 ? null : plural(group, 'group'),
    ].filter((extra) => extra !== null);
    if (extras.length > 0) entries.push(['options', extras.join('; ')]);
  }
  entries.push(['taps', count(analysis.taps)], ['accumulator', needed]);
  if (outcome.kind === 'encrypted')
    entries.push(
      ['t', String(outcome.parameters.plainModulus)],
      ['q', `${outcome.coeffModulusBits.join(' + ')} bits`],
      ['N', String(outcome.parameters.degree)],
      ['lowering', `${outcome.lowering.lowering}, kernel ${outcome.kernel}`],
    );
  return factList(entries);
}

function refusal({ message, expected, found, hint, code }: RefusedLayer): Markup {
  const rows = [
    ['expected', expected],
    ['found', found],
    ['try', hint],
  ].flatMap(([term, value]) => (value === undefined ? [] : [[term ?? '', value] as const]));
  return markup`<section class="part"><h3>Refused</h3><p class="bad">${message} (${code}).</p><dl class="why said">${rows.map(([term, value]) => markup`<dt>${term}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function encrypted(layer: EncryptedLayer, index: number): Markup {
  return markup`${parameters(layer)}${noise(layer)}${cost(layer)}${choices(layer)}${packingSection(layer.packing, `packing-${index}`)}`;
}

function parameters({ why, parameters: chosen }: EncryptedLayer): Markup {
  const primes = [...chosen.dataPrimes, ...(chosen.specialPrime === null ? [] : [chosen.specialPrime])];
  return markup`<section class="part"><h3>Why these parameters</h3><dl class="why"><dt>t</dt><dd>${why.t}</dd><dt>q</dt><dd>${why.q}</dd><dt>N</dt><dd>${why.N}</dd></dl><p class="quiet">Primes of q: ${primes.join(', ')}.</p></section>`;
}

function noise({ noise: report, predictedBudgetBits }: EncryptedLayer): Markup {
  const { waterfall, limitBits, neighbours, otherFailure, security } = report;
  const scale = { lo: 0, hi: Math.max(limitBits, ...waterfall.map(({ bits }) => bits)) };
  const rows = waterfall.map(({ name, bits }, index) => {
    const before = waterfall[index - 1]?.bits ?? 0;
    return [
      name,
      bits.toFixed(2),
      bar(
        [
          { from: 0, to: Math.min(before, bits), kind: 'seen' },
          { from: Math.min(before, bits), to: bits, kind: 'plain' },
        ],
        scale,
      ),
    ];
  });
  const limit = [
    'largest that decrypts right, q / 2t',
    limitBits.toFixed(2),
    bar([{ from: 0, to: limitBits, kind: 'limit' }], scale),
  ];
  const other =
    otherFailure === null
      ? 'no parameters carry it'
      : `N = ${otherFailure.degree}, q of ${otherFailure.coeffModulusBits.join(' + ')} bits, ${bytes(otherFailure.bytes.upload)} up, ${bytes(otherFailure.bytes.response)} down`;
  return markup`<section class="part"><h3>Noise</h3><p>A result has at least ${plural(predictedBudgetBits, 'bit')} of budget left. q has ${plural(security.modulusBits, 'bit')}; the table allows ${security.allowedBits} for ${security.bits} bits of security.</p>${table(
    {
      caption: 'Noise, step by step (log2)',
      head: [
        { title: 'step', kind: 'text' },
        { title: 'bits', kind: 'number' },
        { title: 'against the limit', kind: 'bar' },
      ],
      rows: [...rows, limit],
    },
  )}${table({
    caption: 'What other choices would give',
    head: [
      { title: 'change', kind: 'text' },
      { title: 'consequence', kind: 'text' },
    ],
    rows: [
      ...neighbours.map(({ change, consequence }) => [change, consequence]),
      [`failure ${otherFailure?.failure ?? 'otherwise'}`, other],
    ],
  })}</section>`;
}

const WHEN: Readonly<Record<CostPart['when'], string>> = {
  online: 'each time',
  offline: 'each time, beforehand',
  once: 'once',
};

function cost({ bytes: sent, keyBytes, milliseconds, protocol, counts }: EncryptedLayer): Markup {
  const hint = protocol?.own.onceBytes ?? 0;
  const parts = [
    { name: 'upload', amount: sent.upload },
    { name: 'response', amount: sent.response },
    ...(keyBytes > 0 ? [{ name: 'evaluation keys, once', amount: keyBytes }] : []),
    ...(hint > 0 ? [{ name: 'hint, once', amount: hint }] : []),
  ];
  const own = protocol?.protocol ?? 'standard';
  return markup`<section class="part"><h3>Cost</h3><p>${plural(counts.inputCiphertexts, 'ciphertext')} in, ${plural(counts.products, 'product')}, ${plural(counts.ntt, 'transform')}, ${plural(counts.rotations, 'rotation')}, ${plural(counts.outputCiphertexts, 'ciphertext')} out.</p><div class="pair">${barTable(
    'Bytes that travel',
    'bytes',
    parts.map(({ name, amount }) => ({ name, amount, text: count(amount) })),
  )}${barTable(
    'Milliseconds by the cost model, one thread',
    'time',
    milliseconds.map((part) => ({
      name: `${part.protocol === own ? '' : 'other protocol, '}${part.protocol}: ${part.name}, ${WHEN[part.when]}`,
      amount: part.milliseconds,
      text: duration(part.milliseconds),
    })),
  )}</div></section>`;
}

function choices({ search, lowering, protocol }: EncryptedLayer): Markup {
  const { considered, objective, refused } = search;
  const other =
    protocol !== null && 'refused' in protocol.other
      ? `The other protocol: ${protocol.other.refused}.`
      : null;
  return markup`<section class="part"><h3>What was chosen, and what was refused</h3><p>This is the cheapest of ${plural(considered, 'candidate')} for ${objective}. ${lowering.lowering}${lowering.asked ? ' was asked for' : ''}: ${lowering.reason}. ${other}</p><p class="quiet">Candidates are compared with the times of SEAL's client; the times under Cost count our own client, which is faster.</p>${
    refused.length === 0
      ? markup`<p>No candidate was refused.</p>`
      : table({
          caption: 'Refused candidates',
          head: [
            { title: 'N', kind: 'number' },
            { title: 'reason', kind: 'text' },
          ],
          rows: refused.map((candidate) => [String(candidate.degree), refusalReason(candidate)]),
        })
  }</section>`;
}
