import { sufficientWidth } from '../accumulator/declaredWidth.ts';
import type { AccumulatorAnalysis } from '../accumulator/exact.ts';
import { CipherconvError } from '../base/errors.ts';
import { contains, datatypeRange, requiredWidth } from '../base/interval.ts';
import type { Failure } from '../bfv/noise.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { DecodeWindows, Kernel, Lowering, PlanAnalysis, UploadForm } from './plan.ts';
import type { Objective } from '../cost/estimate.ts';

/** What all lowerings share of compiling. */

/** Version of the compiler, recorded in plans. */
export const COMPILER_VERSION = '0.1.0';

export interface CompileOptions {
  /** How the product is computed. Default `auto`: whichever the cost model finds cheaper. */
  readonly lowering?: 'auto' | Lowering;
  /** What to minimize. Default `latency`. */
  readonly objective?: Objective;
  /** Take this ring degree and no other. */
  readonly degree?: Degree;
  /** Bits of security by the table. Default 128. */
  readonly security?: SecurityBits;
  /** When an honest result may decrypt wrong. Default: `never`, and `2^-128` where ciphertexts are rotated. */
  readonly failure?: Failure;
  /** What executes a toeplitz plan. Default `auto`: the cheaper one by the cost model. */
  readonly kernel?: Kernel | 'auto';
  /** How uploads travel. Default `auto`: by objective and line, see uploadForm.ts. A diagonals plan's are seeded. */
  readonly upload?: 'auto' | UploadForm;
  /** Bits of the accumulator to hold, in place of what the spec declares; the same signedness, signed where it declares none. */
  readonly accumulatorBits?: number;
  /** The line between client and server, megabits per second. Default 100. */
  readonly linkMegabitsPerSecond?: number;
}

/** @throws CipherconvError `overflow` when the accumulator leaves its declared width. */
export function refuseOverflow(spec: ConvSpec, analysis: AccumulatorAnalysis): void {
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
export function planAnalysis(analysis: AccumulatorAnalysis): PlanAnalysis {
  return {
    interval: analysis.interval,
    channels: analysis.channels.map((channel) => channel.interval),
    decodeWidth: analysis.decodeWidth,
    required: requiredWidth(analysis.interval),
  };
}

export function decodeWindows(spec: ConvSpec, analysis: AccumulatorAnalysis): DecodeWindows {
  const intervals = analysis.channels.map((channel) => channel.interval);
  return {
    low: intervals.map(({ lo }) => lo),
    residueLow: intervals.map(({ lo }, channel) => lo - spec.bias[channel]!),
  };
}

/** What a lowering has compiled, before it is proved and frozen. */
export interface Draft<Plan, Program> {
  readonly plan: Plan;
  readonly program: Program;
}
