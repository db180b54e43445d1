import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { longWork } from '../longWork.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import type { PublicSeal } from '../seal/module.ts';
import { buildWithScope } from '../seal/scope.ts';
import { loadPacking } from '../wire/packer.ts';
import { NttEvaluator } from './ntt.ts';
import type { NttOptions } from './ntt.ts';
import type { Evaluator } from './types.ts';

/**
 * SEAL's evaluator for a plan that our own arithmetic executes: its responses are those of the plan, and with hints c1 follows c0, whole, which
 * then has to be the hint. It takes whole uploads too, so it is not for uploads of strangers: whoever chooses c1 can make SEAL
 * throw.
 * @param publicSeed what c1 is drawn from; null without hints
 */
export async function createJudge(
  plan: ToeplitzPlan,
  publicSeed: Uint8Array | null,
  options: Pick<NttOptions, 'weightMemoryBytes'> = {},
): Promise<Evaluator> {
  const [packing, seal] = await Promise.all([loadPacking(), loadSeal() as Promise<PublicSeal>]);
  const hints: NttOptions =
    publicSeed === null
      ? {}
      : { publicSeed, responseWire: { ...wireOf(plan), upload: 'whole', responseC1: 0 } };
  return buildWithScope((scope) =>
    guardSeal('prepare the weights', () =>
      longWork(
        () => new NttEvaluator(scope, seal, packing, plan, buildToeplitz(plan), { ...options, ...hints }),
      ),
    ),
  );
}
