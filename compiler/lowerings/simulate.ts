import type { Plan } from './plan.ts';
import type { Program } from './program.ts';
import { simulateDiagonals } from '../diagonals/simulate.ts';
import { outputShape } from '../convolution/spec.ts';
import type { Tensor } from '../base/tensor.ts';
import { runGroup } from '../toeplitz/simulate.ts';

/**
 * Output tensor (NCHW) of the program on `input` (NCHW, raw values), decoded with the plan's windows.
 * `program` is normally `buildProgram(plan)`; tests pass altered ones.
 */
export function simulate(plan: Plan, program: Program, input: Tensor): Tensor {
  const shape = outputShape(plan.spec);
  const data = new Float64Array(shape.batch * shape.channels * shape.height * shape.width);
  switch (program.lowering) {
    case 'toeplitz':
      for (const group of program.blockGroups) runGroup(program, group, input, plan, data);
      break;
    case 'diagonals':
      simulateDiagonals(program, input, plan, data);
      break;
    default:
      program satisfies never;
  }
  return { shape: [shape.batch, shape.channels, shape.height, shape.width], data };
}
