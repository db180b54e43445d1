import { finish } from '../base/steps.ts';
import { compareEstimates, describeEstimate } from '../cost/estimate.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import { compileDemand } from '../lowering/assemble.ts';
import type { CompileDemand, LoweringEstimate, Rival } from '../lowering/lowering.ts';
import type { Lowering, Plan } from './plan.ts';
import { loweringOf, LOWERINGS } from './registry.ts';

/** Which lowering costs less, and the sentence that says why. */

/** A lowering and what its plan costs. */
export interface Priced {
  readonly name: Lowering;
  readonly cost: CostEstimate;
}

/** Another lowering and what its plan would cost. */
export interface Challenger {
  readonly name: Lowering;
  readonly estimate: LoweringEstimate;
}

export interface LoweringChoice {
  readonly choice: Lowering;
  readonly reason: string;
}

/** The cheaper lowering by the objective; the one that stands in the registry before the challenger among equals. */
export function chooseLowering(first: Priced, challenger: Challenger, objective: Objective): LoweringChoice {
  const own = `${first.name} takes ${describeEstimate(first.cost)}`;
  const { name, estimate } = challenger;
  switch (estimate.kind) {
    case 'refused':
      return { choice: first.name, reason: `${name} cannot do it: ${estimate.reason}` };
    case 'atLeast':
      return {
        choice: first.name,
        reason: `${name} would take at least ${describeEstimate(estimate.estimate)}, ${own}`,
      };
    case 'estimate': {
      const cheaper = compareEstimates(estimate.estimate, first.cost, objective) < 0;
      return {
        choice: cheaper ? name : first.name,
        reason: `${name} would take ${describeEstimate(estimate.estimate)}, ${own}`,
      };
    }
    default:
      return estimate satisfies never;
  }
}

/** What `auto` would take in place of a plan, and why. */
export interface LoweringComparison {
  readonly auto: Lowering;
  readonly reason: string;
}

/**
 * Compares a plan with what the other lowerings cost under the same request, the first of the registry first. A plan of a
 * later one is compared by what its own search has estimated.
 */
export function compareLowerings(plan: Plan): LoweringComparison {
  const own = loweringOf(LOWERINGS, plan);
  const { objective } = plan.request;
  const demand = compileDemand(plan.spec, plan.request);
  const cost = own.cost(plan);
  const reasons: string[] = [];
  let cheapest: Priced = { name: plan.lowering, cost };
  for (const other of LOWERINGS) {
    if (other === own) continue;
    const isEarlier = LOWERINGS.indexOf(other) < LOWERINGS.indexOf(own);
    const estimate = answerOf(other, demand, { cost, objective }, isEarlier);
    if (isEarlier && estimate.kind !== 'refused') {
      const challenger = { name: plan.lowering, estimate: { kind: 'estimate', estimate: cost } } as const;
      const { choice, reason } = chooseLowering(
        { name: other.name, cost: estimate.estimate },
        challenger,
        objective,
      );
      reasons.push(reason);
      if (choice === other.name) cheapest = { name: other.name, cost: estimate.estimate };
    } else {
      const { choice, reason } = chooseLowering(
        { name: plan.lowering, cost },
        { name: other.name, estimate },
        objective,
      );
      reasons.push(reason);
      if (choice === other.name && estimate.kind === 'estimate')
        cheapest = { name: other.name, cost: estimate.estimate };
    }
  }
  return { auto: cheapest.name, reason: reasons.join('; ') };
}

/** What another lowering would cost; without a rival where it would win a tie. */
function answerOf(
  lowering: (typeof LOWERINGS)[number],
  demand: CompileDemand,
  rival: Rival,
  isEarlier: boolean,
): LoweringEstimate {
  const refusal = lowering.refusal(demand.request);
  if (refusal !== null) return { kind: 'refused', reason: refusal.message };
  return finish(lowering.estimate(demand, isEarlier ? null : rival));
}
