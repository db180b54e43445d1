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
import { PlainCoding } from './plainCoding.ts';
import type { Evaluator } from './types.ts';

/**
 * SEAL's evaluator for a plan that our own arithmetic executes: its responses are those of the plan, and with hints c1 follows
 * c0, whole, which then has to be the hint. Messages and public polynomials it reads by code of its own (`PlainCoding`), so that
 * one mistake in the reading does not look the same on both sides. It takes whole uploads too, so it is not for uploads of
 * strangers: whoever chooses c1 can make SEAL throw.
 * @param publicSeed what c1 is drawn from; null without hints
 */
export function createJudge(
  plan: ToeplitzPlan,
  publicSeed: Uint8Array | null,
  options: Pick<NttOptions, 'weightMemoryBytes'> = {},
): Promise<Evaluator> {
  const coding: NttOptions['coding'] = (frame) =>
    new PlainCoding(frame, plan.parameters, wireOf(plan), publicSeed);
  return createSealEvaluator(plan, { ...options, coding });
}

/** SEAL's evaluator for a plan without hints whose uploads have seeds of ours, coded as everybody codes them. */
export async function createSealEvaluator(plan: ToeplitzPlan, options: NttOptions = {}): Promise<Evaluator> {
  const [packing, seal] = await Promise.all([loadPacking(), loadSeal() as Promise<PublicSeal>]);
  return buildWithScope((scope) =>
    guardSeal('prepare the weights', () =>
      longWork(() => new NttEvaluator(scope, seal, packing, plan, buildToeplitz(plan), options)),
    ),
  );
}
