import { CipherconvError } from '../../compiler/base/errors.ts';
import { centredInputRange } from '../../compiler/convolution/shape.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { TooWideError } from '../frontend/config.ts';
import { LocatedError } from '../frontend/positions.ts';
import type { Finding, Level, WideInteger, Witness } from './finding.ts';
import type { Settings } from './settings.ts';

/** Findings about files whose convolution cannot be analysed. */

/** A file that cannot be read or is not what it says; null when the rule is off. */
export function unreadableFinding(
  error: CipherconvError,
  path: string,
  { levels }: Pick<Settings, 'levels'>,
): Finding | null {
  const { unreadable: level } = levels;
  if (level === 'off') return null;
  const located = error instanceof LocatedError ? error : null;
  return {
    rule: 'unreadable',
    level,
    file: located?.file ?? path,
    line: located?.position?.line ?? null,
    column: located?.position?.column ?? null,
    layer: null,
    message: `${elsewhere(error, path)}${explanation(error)}`,
    interval: null,
    requiredBits: null,
    declaredBits: null,
    headroom: null,
    witness: null,
    hint: error.details.hint ?? null,
  };
}

/**
 * Sums too wide for exact doubles, refused by `makeSpec`: a finding about the convolution, with the interval of its widest
 * channel in bigint. Borders are not looked at: all taps count. null when the rule is off.
 */
export function tooWideFinding(error: TooWideError, { levels }: Settings): Finding | null {
  const level: Level | 'off' = levels['beyond-bfv'];
  if (level === 'off') return null;
  const { spec } = error;
  const { channel, lo, hi } = widestChannel(spec);
  const declaredBits = spec.accumulator?.bits ?? null;
  const largest = -lo > hi + 1n ? -lo : hi + 1n;
  const requiredBits = (largest - 1n).toString(2).length + (lo < 0n ? 1 : 0);
  return {
    rule: 'beyond-bfv',
    level,
    file: error.file,
    line: error.position?.line ?? 1,
    column: error.position?.column ?? 1,
    layer: spec.name,
    message: explanation(error),
    interval: [wide(lo), wide(hi)],
    requiredBits,
    declaredBits,
    headroom: declaredBits === null ? null : declaredBits - requiredBits,
    witness: wideWitness(spec, channel),
    hint: error.details.hint ?? 'use fewer bits, or split the input channels over several convolutions',
  };
}

function wide(value: bigint): WideInteger {
  return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
    ? Number(value)
    : String(value);
}

function widestChannel(spec: ConvSpec): { channel: number; lo: bigint; hi: bigint } {
  const range = centredInputRange(spec.input);
  const centred = centredWeights(spec.weights);
  const taps = centred.length / spec.weights.outChannels;
  let widest = { channel: 0, lo: 0n, hi: 0n };
  for (let channel = 0; channel < spec.weights.outChannels; channel++) {
    let [lo, hi] = [BigInt(spec.bias[channel]!), BigInt(spec.bias[channel]!)];
    for (let tap = channel * taps; tap < (channel + 1) * taps; tap++) {
      const ends = [centred[tap]! * range.lo, centred[tap]! * range.hi] as const;
      lo += BigInt(Math.min(...ends));
      hi += BigInt(Math.max(...ends));
    }
    if (channel === 0 || hi - lo > widest.hi - widest.lo) widest = { channel, lo, hi };
  }
  return widest;
}

function wideWitness(spec: ConvSpec, channel: number): Witness {
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const { range } = spec.input;
  const centred = centredWeights(spec.weights);
  const patch = (end: 'low' | 'high'): number[][][] =>
    Array.from({ length: channelsPerGroup }, (_, c) =>
      Array.from({ length: kernelHeight }, (_, a) =>
        Array.from({ length: kernelWidth }, (_, e) => {
          const weight = centred[((channel * channelsPerGroup + c) * kernelHeight + a) * kernelWidth + e]!;
          return weight >= 0 === (end === 'high') ? range.hi : range.lo;
        }),
      ),
    );
  return { output: [channel, 0, 0], low: patch('low'), high: patch('high') };
}

/** The error in one line, without the file, which the finding names by itself. */
/** Where the trouble is, unless the finding's own file says all of it: another file that this one names, or a part of it. */
function elsewhere(error: CipherconvError, path: string): string {
  const { where } = error.details;
  if (error instanceof LocatedError || where === undefined || where === path) return '';
  return `${where.startsWith(`${path}: `) ? where.slice(path.length + 2) : where}: `;
}

function explanation({ details }: CipherconvError): string {
  const { message, expected, found } = details;
  const parts = [
    expected === undefined ? null : `expected ${expected}`,
    found === undefined ? null : `found ${found}`,
  ];
  const rest = parts.filter((part) => part !== null).join(', ');
  return rest === '' ? message : `${message}: ${rest}`;
}
