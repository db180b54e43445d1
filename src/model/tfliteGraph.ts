import { interpret } from '../interpreter/interpreter.ts';
import type { Step } from '../interpreter/interpreter.ts';
import { fixedPointSteps } from '../interpreter/fixedPoint/steps.ts';
import type { DenseTensor } from '../interpreter/values.ts';
import type { ClearGraph, GraphRun, Tensors } from './clearGraph.ts';
import type { TfliteClearModel } from './clearModel.ts';

/** A TFLite graph, computed by the interpreter alone. */
export class TfliteGraph implements ClearGraph {
  readonly #constants: Tensors;
  readonly steps: readonly Step[];

  constructor({ nodes, tensors, constants, rounding }: TfliteClearModel) {
    this.#constants = constants;
    this.steps = fixedPointSteps(nodes, tensors, rounding);
  }

  run(
    given: Tensors,
    wanted: readonly string[],
    { meter = null }: GraphRun = {},
  ): Promise<Map<string, DenseTensor>> {
    const all = new Map([...this.#constants, ...given]);
    return interpret(this.steps, all, wanted, { outside: null, meter });
  }
}
