import type { Steps } from '../base/steps.ts';
import type { AccumulatorAnalysis } from '../accumulator/exact.ts';
import type { Parameters } from '../bfv/parameters.ts';
import type { NoiseStages } from '../bfv/noise.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import type { OutputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { Tensor } from '../base/tensor.ts';
import type {
  ClientViewBase,
  PlanBase,
  PlanBytes,
  PlanCounts,
  SentCiphertexts,
  PlanRequest,
} from './plan.ts';
import type { PassObserver } from './passes.ts';
import type { ViewRules } from './viewRules.ts';

/**
 * A lowering is one way to make a convolution of ring operations: toeplitz in coefficients, diagonals in slots. It
 * implements `Lowering`, and `ViewRules` for what clients need of it. compiler/lowerings/registry.ts and views.ts list
 * all of them; nothing else in the compiler asks which one a plan has.
 */

/** What a lowering compiles from: derived from the spec once, and passed on. */
export interface CompileDemand {
  readonly spec: ConvSpec;
  readonly request: PlanRequest;
  readonly analysis: AccumulatorAnalysis;
  /** Shape of the output tensor. */
  readonly output: OutputShape;
  /** Elements of the output tensor, all images. */
  readonly outputElements: number;
  /** Is told what each pass made. */
  readonly observe: PassObserver;
}

/** What a program is made from: the parts of a plan that decide it. */
interface ProgramSource<P extends PlanBase> {
  readonly spec: ConvSpec;
  readonly packing: P['packing'];
  readonly parameters: Pick<Parameters, 'degree' | 'plainModulus'>;
}

/** What a lowering has compiled, before it is proved and frozen. */
export interface Draft<P, R> {
  readonly plan: P;
  readonly program: R;
}

/** The plan to beat: its cost, and what decides. */
export interface Rival {
  readonly cost: CostEstimate;
  readonly objective: Objective;
}

/** What the plan of a lowering would cost. */
export type LoweringEstimate =
  | { readonly kind: 'estimate'; readonly estimate: CostEstimate }
  /** More than this, which already is no less than what it was compared with; not searched further. */
  | { readonly kind: 'atLeast'; readonly estimate: CostEstimate }
  | { readonly kind: 'refused'; readonly reason: string };

/** Why a lowering does not take a request at all. */
export interface RequestRefusal {
  readonly where: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * One way to lower a convolution.
 * P: its plan; R: its program, the executable form that is a pure function of the plan; V: its client view.
 */
export interface Lowering<P extends PlanBase, R, V extends ClientViewBase> extends ViewRules<P, V> {
  /** Why it does not take the request, whatever the convolution; null when it does. */
  refusal(request: PlanRequest): RequestRefusal | null;
  /** Why it cannot carry the convolution, found without a search; null when it may. */
  cannotCarry(spec: ConvSpec, outputElements: number): string | null;
  /** What its plan would cost; it may stop as soon as that is no less than the rival's cost. */
  estimate(demand: CompileDemand, rival: Rival | null): Steps<LoweringEstimate>;
  /**
   * The cheapest plan by the request, not yet proved.
   * @throws CipherconvError `beyond-bfv` when no parameters carry it, `unsupported` when it is not taken
   */
  compile(demand: CompileDemand): Steps<Draft<P, R>>;
  /** Estimated milliseconds, and exact bytes, of one run. */
  cost(plan: P): CostEstimate;
  /** The plan's executable form. */
  program(plan: ProgramSource<P>): R;
  /** Bounds on the noise after each step of a run. */
  noise(plan: P): NoiseStages;
  /** What the noise facts of the plan must be, from the program. */
  norms(program: R): object;
  counts(program: R, plan: P): PlanCounts;
  bytes(program: R, plan: P): PlanBytes;
  transfer(program: R): SentCiphertexts;
  /**
   * Proves that the program applies the matrix of the convolution.
   * @throws CipherconvError `plan-rejected`
   */
  verifyMatrix(spec: ConvSpec, program: R): Steps<void>;
  /**
   * Checks what only this lowering's plans say.
   * @throws CipherconvError `plan-rejected`
   */
  verifyOwn(plan: P, program: R): void;
  /** Runs the program on residues, without encryption; writes the decoded accumulators into `output` (flat NCHW). */
  simulate(program: R, input: Tensor, plan: Pick<P, 'spec' | 'windows'>, output: Float64Array): void;
}
