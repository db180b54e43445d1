import { finish } from '../base/steps.ts';
import type { Steps } from '../base/steps.ts';
import { withAccumulatorBits } from '../accumulator/declaredWidth.ts';
import { CipherconvError, internalError } from '../base/errors.ts';
import { deepFreeze } from '../base/freeze.ts';
import { compareEstimates } from '../cost/estimate.ts';
import type { CostEstimate } from '../cost/estimate.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { DiagonalsPlan } from '../diagonals/plan.ts';
import { compileDemand } from '../lowering/assemble.ts';
import type { CompileDemand, Draft, Lowering } from '../lowering/lowering.ts';
import type { ClientViewBase, PlanBase } from '../lowering/plan.ts';
import { UNOBSERVED } from '../lowering/passes.ts';
import type { Pass, PassObserver } from '../lowering/passes.ts';
import { planRequest } from '../lowering/request.ts';
import type { RequestOptions } from '../lowering/request.ts';
import type { ToeplitzPlan } from '../toeplitz/plan.ts';
import type { Lowering as LoweringName, Plan } from './plan.ts';
import { loweringNamed, LOWERINGS } from './registry.ts';
import { proofSteps } from './verify.ts';

/** What to compile for. Everything has a default; the plan records what was taken as its `request`. */
export interface CompileOptions extends Omit<RequestOptions, 'lowering' | 'degree' | 'failure'> {
  /** How the product is computed. Default `auto`: whichever the cost model finds cheaper. */
  readonly lowering?: 'auto' | LoweringName;
  /** Take this ring degree and no other. Default `auto`: whichever is cheapest. */
  readonly degree?: NonNullable<RequestOptions['degree']>;
  /** When an honest result may decrypt wrong. Default: `never`, and `2^-128` where ciphertexts are rotated. */
  readonly failure?: NonNullable<RequestOptions['failure']>;
  /** Bits of the accumulator to hold, in place of what the spec declares; the same signedness, signed where it declares none. */
  readonly accumulatorBits?: number;
}

/**
 * Compiles a convolution to a verified plan, with the lowering of the options. Deterministic: the same spec, options and
 * version give the same plan.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width, `beyond-bfv` when no parameters
 * carry it, `unsupported` when the lowering asked for does not take it.
 */
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'toeplitz' },
): ToeplitzPlan;
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'diagonals' },
): DiagonalsPlan;
export function compileSpec(spec: ConvSpec, options?: CompileOptions): Plan;
export function compileSpec(spec: ConvSpec, options: CompileOptions = {}): Plan {
  return finish(compileSteps(spec, options));
}

/** The same in steps: between candidates of the search, between passes, between rows of the proof. */
export function compileSteps(spec: ConvSpec, options: CompileOptions = {}): Steps<Plan> {
  return stepsWith(LOWERINGS, withAccumulatorBits(spec, options.accumulatorBits), options, UNOBSERVED);
}

/** What the passes make on the way to a plan: it is compiled again, from its own spec and request. */
export function passesOf({ spec, request }: Plan): readonly Pass[] {
  const passes: Pass[] = [];
  compileWith(LOWERINGS, spec, request, (pass) => passes.push(pass));
  return passes;
}

/** The same with the lowerings given: what a new one is tried with. */
export function compileWith<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  spec: ConvSpec,
  options: RequestOptions = {},
  observe: PassObserver = UNOBSERVED,
): P {
  return finish(stepsWith(lowerings, spec, options, observe));
}

function* stepsWith<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  spec: ConvSpec,
  options: RequestOptions,
  observe: PassObserver,
): Steps<P> {
  const demand = compileDemand(spec, planRequest(options), observe);
  yield;
  const { plan, program } = yield* draft(lowerings, demand);
  yield;
  yield* proofSteps(lowerings, plan, program);
  const { noise, bytes } = plan;
  const made = { noiseBudgetBits: noise.predictedBudgetBits, upload: bytes.upload, response: bytes.response };
  observe({ name: 'proof', lowering: plan.lowering, made });
  return deepFreeze(plan);
}

function* draft<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  demand: CompileDemand,
): Steps<Draft<P, R>> {
  const { request } = demand;
  if (request.lowering === 'auto')
    return yield* cheapest(
      lowerings.filter((lowering) => lowering.refusal(request) === null),
      demand,
    );
  const lowering = loweringNamed(lowerings, request.lowering);
  const refusal = lowering.refusal(request);
  if (refusal !== null) throw new CipherconvError({ code: 'unsupported', ...refusal });
  return yield* lowering.compile(demand);
}

/** A draft and what it costs. */
interface Best<P, R> {
  readonly draft: Draft<P, R>;
  readonly cost: CostEstimate;
}

/**
 * The cheapest plan by the objective, the first of the registry among equals. A later lowering is only compiled where its
 * estimate is less than the best so far.
 */
function* cheapest<P extends PlanBase, R, V extends ClientViewBase>(
  [first, ...others]: readonly Lowering<P, R, V>[],
  demand: CompileDemand,
): Steps<Draft<P, R>> {
  if (first === undefined)
    throw new CipherconvError({ code: 'unsupported', message: 'no lowering takes it' });
  const { objective } = demand.request;
  const begun = yield* compileOrRefusal(first, demand);
  let best = begun instanceof CipherconvError ? null : begun;
  for (const lowering of others) {
    const answer = yield* lowering.estimate(demand, best === null ? null : { cost: best.cost, objective });
    if (answer.kind !== 'estimate') continue;
    if (best !== null && compareEstimates(answer.estimate, best.cost, objective) >= 0) continue;
    best = priced(lowering, yield* lowering.compile(demand));
  }
  if (best !== null) return best.draft;
  throw begun instanceof CipherconvError ? begun : internalError('no lowering was compiled');
}

/** The plan of a lowering, or why BFV cannot carry it there. */
function* compileOrRefusal<P extends PlanBase, R, V extends ClientViewBase>(
  lowering: Lowering<P, R, V>,
  demand: CompileDemand,
): Steps<Best<P, R> | CipherconvError> {
  try {
    return priced(lowering, yield* lowering.compile(demand));
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code !== 'beyond-bfv') throw error;
    return error;
  }
}

function priced<P extends PlanBase, R, V extends ClientViewBase>(
  lowering: Lowering<P, R, V>,
  made: Draft<P, R>,
): Best<P, R> {
  return { draft: made, cost: lowering.cost(made.plan) };
}
