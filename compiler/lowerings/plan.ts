import type { NoiseStages } from '../bfv/noise.ts';
import { diagonalsNoise } from '../diagonals/noise.ts';
import type { DiagonalsPlan, DiagonalsView } from '../diagonals/plan.ts';
import { diagonalsNoiseInput } from '../diagonals/plan.ts';
import type { ToeplitzPlan, ToeplitzView } from '../toeplitz/plan.ts';
import { noiseInput } from '../toeplitz/plan.ts';
import { resultNoise } from '../toeplitz/noise.ts';

/**
 * A plan is plain, frozen, JSON data: everything that was decided and why. The program is a pure function of it
 * (program.ts), `verify` proves the two right against the spec, and the runtime executes them.
 */

export type Plan = ToeplitzPlan | DiagonalsPlan;

export function isToeplitz(plan: Plan): plan is ToeplitzPlan {
  return plan.packing.lowering === 'toeplitz';
}

export type ClientView = ToeplitzView | DiagonalsView;

export function isToeplitzView(view: ClientView): view is ToeplitzView {
  return view.packing.lowering === 'toeplitz';
}

/** The client's part of a plan: weights, biases and analysis left out. */
export function clientView(plan: ToeplitzPlan): ToeplitzView;
export function clientView(plan: DiagonalsPlan): DiagonalsView;
export function clientView(plan: Plan): ClientView;
export function clientView(plan: Plan): ClientView {
  const { spec, parameters, windows, transfer, wire } = plan;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed } = spec.weights;
  const weights = { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed };
  const { name, input, strides, pads, dilations, group } = spec;
  const shape = { name, input, weights, strides, pads, dilations, group };
  const view = { shape, parameters, windows, transfer, wire };
  return isToeplitz(plan)
    ? { ...view, packing: plan.packing }
    : { ...view, packing: plan.packing, keys: plan.keys };
}

/** The noise of a plan's results after each step, whatever its lowering. */
export function planNoise(plan: Plan): NoiseStages {
  return isToeplitz(plan) ? resultNoise(noiseInput(plan)) : diagonalsNoise(diagonalsNoiseInput(plan));
}

/** Bytes of the evaluation keys that the client sends once; none for toeplitz. */
export function keyBytes(plan: Plan): number {
  return isToeplitz(plan) ? 0 : plan.keys.bytes;
}
