import type { CompileOptions } from '../lowering/assemble.ts';
import { diagonalsRequest } from '../diagonals/compile.ts';
import { CipherconvError } from '../base/errors.ts';
import { leastEstimate, refuseLarge, searchDiagonals } from '../diagonals/search.ts';
import { outputShape } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import { compareEstimates, describeEstimate } from '../cost/estimate.ts';
import type { Lowering } from '../lowering/plan.ts';
import type { ToeplitzPlan } from '../toeplitz/plan.ts';

/** Which lowering costs less, and the sentence that says why. */

/** What the diagonals lowering of a convolution costs. */
export type DiagonalsCost =
  | { readonly kind: 'estimate'; readonly estimate: CostEstimate }
  /** More than this, which already is no less than what it was compared with; not searched further. */
  | { readonly kind: 'atLeast'; readonly estimate: CostEstimate }
  | { readonly kind: 'refused'; readonly reason: string };

/** Estimated milliseconds, and exact bytes, of one run of a toeplitz plan. */
export function toeplitzCost({ report, bytes }: ToeplitzPlan): CostEstimate {
  return { milliseconds: report.estimatedMilliseconds, bytes: bytes.upload + bytes.response };
}

/**
 * The estimate of the diagonals lowering. The search is spared where the least that any of its plans can take, one
 * ciphertext each way at the smallest degree with room for the noise, is no less than what `toeplitz` costs.
 */
export function diagonalsCost(
  spec: ConvSpec,
  options: CompileOptions,
  toeplitz: { readonly cost: CostEstimate; readonly objective: Objective } | null,
  decodeWidth: number,
): DiagonalsCost {
  try {
    const output = outputShape(spec);
    const outputs = elementCount([output.batch, output.channels, output.height, output.width]);
    refuseLarge(spec, outputs);
    const request = diagonalsRequest(spec, decodeWidth, options);
    if (toeplitz !== null) {
      const least = leastEstimate(request);
      if (least !== null && compareEstimates(toeplitz.cost, least, toeplitz.objective) <= 0)
        return { kind: 'atLeast', estimate: least };
    }
    const [best] = searchDiagonals(request).candidates;
    return best === undefined
      ? { kind: 'refused', reason: 'no parameters carry it' }
      : { kind: 'estimate', estimate: best.estimate };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { message, found } = error.details;
    return { kind: 'refused', reason: found === undefined ? message : `${message} (${found})` };
  }
}

export interface LoweringChoice {
  readonly choice: Lowering;
  readonly reason: string;
}

/** The cheaper lowering by the objective; toeplitz, which needs no keys and cannot fail, among equals. */
export function chooseLowering(
  toeplitz: CostEstimate,
  diagonals: DiagonalsCost,
  objective: Objective,
): LoweringChoice {
  const own = describeEstimate(toeplitz);
  switch (diagonals.kind) {
    case 'refused':
      return { choice: 'toeplitz', reason: `diagonals cannot do it: ${diagonals.reason}` };
    case 'atLeast':
      return {
        choice: 'toeplitz',
        reason: `diagonals would take at least ${describeEstimate(diagonals.estimate)}, toeplitz takes ${own}`,
      };
    case 'estimate': {
      const cheaper = compareEstimates(diagonals.estimate, toeplitz, objective) < 0;
      return {
        choice: cheaper ? 'diagonals' : 'toeplitz',
        reason: `diagonals would take ${describeEstimate(diagonals.estimate)}, toeplitz takes ${own}`,
      };
    }
    default:
      return diagonals satisfies never;
  }
}
