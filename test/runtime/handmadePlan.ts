import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { requiredWidth } from '../../compiler/base/interval.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { countToeplitzBytes, countToeplitzOperations } from '../../compiler/toeplitz/counts.ts';
import { planRequest } from '../../compiler/lowering/request.ts';
import { NOTHING_DROPPED, predictedBudgetBits } from '../../compiler/bfv/noise.ts';
import { axisLayout, axisShapes, pitches } from '../../compiler/toeplitz/packing.ts';
import type { ToeplitzPacking } from '../../compiler/toeplitz/packing.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { Degree } from '../../compiler/bfv/security.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { randomIntegers } from '../support/specs.ts';
import { resultNoise } from '../../compiler/toeplitz/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { noiseInput } from '../../compiler/toeplitz/plan.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { buildToeplitz, rowNorms, usedChunks } from '../../compiler/toeplitz/program.ts';

/** Plans made without the compiler's search, so that tests of the runtime choose the packing themselves. */

export interface SmallConv {
  readonly batch?: number;
  readonly channels?: number;
  readonly height?: number;
  readonly width?: number;
  readonly outChannels?: number;
  readonly kernel?: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly dilations?: readonly [number, number];
  readonly group?: number;
  readonly bits?: number;
  readonly signed?: boolean;
  readonly inputZeroPoint?: number;
  readonly weightZeroPoint?: number;
  readonly bias?: number;
  /** Output channels whose weights all equal the zero point. */
  readonly zeroOutputs?: readonly number[];
  /** All weights, instead of random ones. */
  readonly values?: readonly number[];
  readonly seed?: number;
}

/** A checked spec with random weights; everything not given is small: 1x1x8x8, one 3x3 filter, pad 1, 2 bits unsigned. */
export function smallSpec(small: SmallConv = {}): ConvSpec {
  const {
    channels = 1,
    outChannels = 1,
    kernel = [3, 3],
    group = 1,
    bits = 2,
    signed = false,
    bias = 0,
  } = small;
  const [lo, hi] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const random = randomIntegers(small.seed ?? 1);
  const channelsPerGroup = channels / group;
  const perOutput = channelsPerGroup * kernel[0] * kernel[1];
  const zeroPoint = small.weightZeroPoint ?? 0;
  const values = Array.from({ length: outChannels * perOutput }, (_, index) =>
    small.zeroOutputs?.includes(Math.floor(index / perOutput)) === true ? zeroPoint : random(lo, hi),
  );
  return makeSpec({
    name: 'small',
    input: {
      batch: small.batch ?? 1,
      channels,
      height: small.height ?? 8,
      width: small.width ?? 8,
      bits,
      signed,
      zeroPoint: small.inputZeroPoint ?? 0,
      range: { lo, hi },
    },
    weights: {
      outChannels,
      channelsPerGroup,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      bits,
      signed,
      zeroPoints: new Array<number>(outChannels).fill(zeroPoint),
      values: small.values ?? values,
    },
    bias: Array.from({ length: outChannels }, (_, channel) => bias * (channel + 1)),
    strides: small.strides ?? [1, 1],
    pads: small.pads ?? [1, 1, 1, 1],
    dilations: small.dilations ?? [1, 1],
    group,
    accumulator: null,
  });
}

/** What a test chooses of the packing; pitches follow. */
export interface Layout {
  readonly degree?: Degree;
  readonly phaseFactors?: ToeplitzPacking['phaseFactors'];
  readonly tile?: ToeplitzPacking['tile'];
  readonly channelsPerCiphertext?: number;
  readonly blocksPerCiphertext?: number;
  readonly outputsPerProduct?: number;
}

function makePacking(spec: ConvSpec, layout: Layout): ToeplitzPacking {
  const output = outputShape(spec);
  const axes = axisShapes(spec);
  const phaseFactors = layout.phaseFactors ?? { rows: 1, columns: 1 };
  const tile = layout.tile ?? { height: output.height, width: output.width };
  const rows = axisLayout(axes.rows, phaseFactors.rows, tile.height);
  const columns = axisLayout(axes.columns, phaseFactors.columns, tile.width);
  return {
    phaseFactors,
    tile,
    ...pitches(rows, columns),
    channelsPerCiphertext: layout.channelsPerCiphertext ?? 1,
    blocksPerCiphertext: layout.blocksPerCiphertext ?? 1,
    outputsPerProduct: layout.outputsPerProduct ?? 1,
  };
}

/** Parameters at 128 bits: one data prime of `primeBits[0]` bits, or several and, last, the special prime. */
export function makeParameters(
  degree: Degree,
  plainModulus: number,
  primeBits: readonly number[] = [degree === 1024 ? 26 : 53],
): Parameters {
  const primes: bigint[] = [];
  for (const bits of primeBits) primes.push(...nttPrimes(degree, bits, 1, primes));
  const decimal = primes.map(String);
  return {
    degree,
    plainModulus,
    dataPrimes: decimal.length === 1 ? decimal : decimal.slice(0, -1),
    specialPrime: decimal.length === 1 ? null : (decimal.at(-1) ?? null),
    securityBits: 128,
  };
}

/** A plan for `spec`; t is the smallest that tells all accumulators apart, or `plainModulus`. */
export function handmadePlan(
  spec: ConvSpec,
  layout: Layout = {},
  primeBits?: readonly number[],
  plainModulus?: number,
): ToeplitzPlan {
  const analysis = analyzeAccumulator(spec);
  const degree = layout.degree ?? 1024;
  const parameters = {
    ...makeParameters(degree, plainModulus ?? Math.max(2, analysis.decodeWidth), primeBits),
    // Nothing is key-switched: the last of several primes is there for the tests of SEAL contexts only.
    specialPrime: null,
  };
  const packing = makePacking(spec, layout);
  const program = buildToeplitz({ spec, packing, parameters });
  const noise = { failure: 'never' as const, ...rowNorms(program) };
  const wire = NOTHING_DROPPED;
  const { response } = resultNoise(
    noiseInput({ spec, parameters, noise, wire: { ...wire, upload: 'seeded' } }),
  );
  const q = dataModulus(parameters);
  const channels = analysis.channels.map(({ interval }) => interval);
  return {
    format: 'cipherconv-plan',
    version: 3,
    compiler: 'handmade',
    lowering: 'toeplitz',
    request: planRequest({ lowering: 'toeplitz', degree, kernel: 'ntt' }),
    spec,
    analysis: {
      interval: analysis.interval,
      channels,
      decodeWidth: analysis.decodeWidth,
      required: requiredWidth(analysis.interval),
    },
    parameters,
    packing,
    execution: { kernel: 'ntt', upload: 'seeded' },
    windows: {
      low: channels.map(({ lo }) => lo),
      residueLow: channels.map(({ lo }, channel) => lo - spec.bias[channel]!),
    },
    transfer: {
      usedChunks: usedChunks(program),
      emptyRows: program.rows.flatMap((terms, row) => (terms.length === 0 ? [row] : [])),
    },
    wire,
    noise: { ...noise, predictedBudgetBits: predictedBudgetBits(q, parameters.plainModulus, response) },
    counts: countToeplitzOperations(program, 'ntt'),
    bytes: countToeplitzBytes(program, parameters, { ...wire, upload: 'seeded' }),
    report: { considered: 1, estimatedMilliseconds: 0, refused: [] },
  };
}
