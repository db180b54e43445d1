import type { NoiseStages } from '../bfv/noise.ts';
import type { Plan } from './plan.ts';
import { loweringOf, LOWERINGS } from './registry.ts';

/** The noise of a plan's results after each step, whatever its lowering. */
export function planNoise(plan: Plan): NoiseStages {
  return loweringOf(LOWERINGS, plan).noise(plan);
}
