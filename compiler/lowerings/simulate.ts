import type { Tensor } from '../base/tensor.ts';
import { outputShape } from '../convolution/shape.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { ClientViewBase, PlanBase } from '../lowering/plan.ts';
import type { Plan } from './plan.ts';
import { loweringOf, LOWERINGS } from './registry.ts';
import type { Program } from './registry.ts';

/**
 * Output tensor (NCHW) of the program on `input` (NCHW, raw values), without encryption, decoded with the plan's windows.
 * `program` is normally `buildProgram(plan)`; tests pass altered ones.
 */
export function simulate(plan: Plan, program: Program, input: Tensor): Tensor {
  return simulateWith(LOWERINGS, plan, program, input);
}

/** The same with the lowerings given. */
export function simulateWith<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  plan: P,
  program: R,
  input: Tensor,
): Tensor {
  const { batch, channels, height, width } = outputShape(plan.spec);
  const data = new Float64Array(batch * channels * height * width);
  loweringOf(lowerings, plan).simulate(program, input, plan, data);
  return { shape: [batch, channels, height, width], data };
}
