import { sufficientWidth } from '../accumulator/declaredWidth.ts';
import { analyzeAccumulator } from '../accumulator/exact.ts';
import type { AccumulatorAnalysis } from '../accumulator/exact.ts';
import { CipherconvError } from '../base/errors.ts';
import { contains, datatypeRange, requiredWidth } from '../base/interval.ts';
import { outputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import type { CompileDemand } from './lowering.ts';
import { UNOBSERVED } from './passes.ts';
import type { Pass, PassObserver } from './passes.ts';
import { coeffModulusBits } from '../bfv/parameters.ts';
import type { Parameters } from '../bfv/parameters.ts';
import type { DecodeWindows, PlanAnalysis, PlanBase, PlanRequest } from './plan.ts';

/** What all lowerings share of compiling. */

/** Version of the compiler, recorded in plans. */
export const COMPILER_VERSION = '0.1.0';

/** @throws CipherconvError `overflow` when the accumulator leaves its declared width. */
function refuseOverflow(spec: ConvSpec, analysis: AccumulatorAnalysis): void {
  const declared = spec.accumulator;
  if (declared === null) return;
  const allowed = datatypeRange(declared.bits, declared.signed);
  if (contains(allowed, analysis.interval)) return;
  const worst = analysis.channels.findIndex(({ interval }) => !contains(allowed, interval));
  const { interval } = analysis.channels[worst]!;
  const needed = sufficientWidth(analysis.interval, declared);
  throw new CipherconvError({
    code: 'overflow',
    where: 'accumulator',
    message: `the accumulator overflows its ${declared.bits} ${declared.signed ? 'signed' : 'unsigned'} bits`,
    expected: `every sum within [${allowed.lo}, ${allowed.hi}]`,
    found: `output channel ${worst} reaches [${interval.lo}, ${interval.hi}]`,
    hint: `declare ${needed.bits} ${needed.signed ? 'signed' : 'unsigned'} bits, or use smaller weights or fewer taps`,
  });
}

/** The analysis as a plan keeps it. */
function planAnalysis(analysis: AccumulatorAnalysis): PlanAnalysis {
  return {
    interval: analysis.interval,
    channels: analysis.channels.map((channel) => channel.interval),
    decodeWidth: analysis.decodeWidth,
    required: requiredWidth(analysis.interval),
  };
}

function decodeWindows(spec: ConvSpec, analysis: AccumulatorAnalysis): DecodeWindows {
  const intervals = analysis.channels.map((channel) => channel.interval);
  return {
    low: intervals.map(({ lo }) => lo),
    residueLow: intervals.map(({ lo }, channel) => lo - spec.bias[channel]!),
  };
}

/** The part of a plan that is the same whatever the lowering. */
export function commonFields({ spec, request, analysis }: CompileDemand): CommonFields {
  return {
    format: 'cipherconv-plan',
    version: 3,
    compiler: COMPILER_VERSION,
    request,
    spec,
    analysis: planAnalysis(analysis),
    windows: decodeWindows(spec, analysis),
  };
}

type CommonFields = Pick<
  PlanBase,
  'format' | 'version' | 'compiler' | 'request' | 'spec' | 'analysis' | 'windows'
>;

/**
 * The first two passes, which are the same for all lowerings.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width.
 */
export function compileDemand(
  spec: ConvSpec,
  request: PlanRequest,
  observe: PassObserver = UNOBSERVED,
): CompileDemand {
  const output = outputShape(spec);
  const { batch, channels, height, width } = output;
  const outputElements = elementCount([batch, channels, height, width]);
  observe({
    name: 'spec',
    lowering: null,
    made: { weights: spec.weights.values.length, outputs: outputElements, objective: request.objective },
  });
  const analysis = analyzeAccumulator(spec);
  refuseOverflow(spec, analysis);
  const { interval, decodeWidth } = analysis;
  observe({
    name: 'accumulator',
    lowering: null,
    made: { low: interval.lo, high: interval.hi, decodeWidth, bits: requiredWidth(interval).bits },
  });
  return { spec, request, analysis, output, outputElements, observe };
}

/** What the `parameters` pass tells. */
export function parameterFacts(parameters: Parameters): Pass['made'] {
  const { degree, plainModulus, securityBits } = parameters;
  return { degree, plainModulus, primeBits: coeffModulusBits(parameters).join(' + '), securityBits };
}
