import { internalError } from '../../compiler/base/errors.ts';
import { layerInput } from './layerTensors.ts';
import { layersOf } from './modelPlan.ts';
import type { Arithmetic, ModelPlan } from './modelPlan.ts';
import type { FloatComparison, ModelComparison } from './modelReport.ts';
import { openSession } from './ort.ts';
import type { Ort } from './ort.ts';
import { toDoubles } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = ReadonlyMap<string, TypedTensor>;

/** Compares an encrypted run with the whole model in onnxruntime. */
export class ModelComparer {
  readonly #ort: Ort;
  readonly #plan: ModelPlan;

  constructor(ort: Ort, plan: ModelPlan) {
    this.#ort = ort;
    this.#plan = plan;
  }

  /**
   * @param inputs of the model
   * @param tensors of the encrypted run: outputs of the model and inputs of its layers
   */
  async compare(inputs: Tensors, tensors: Tensors): Promise<ModelComparison> {
    const { reference } = this.#plan;
    if (reference.kind === 'layers-only') {
      return { kind: 'layers-only', floats: await this.#compareFloats(reference.floats, inputs, tensors) };
    }
    const expected = await this.#runWhole(reference.model, inputs, this.#plan.arithmetic);
    const counts = this.#plan.outputs.map(({ name }) =>
      countDifferences(take(expected, name), take(tensors, name)),
    );
    const outputs = counts.reduce((sum, { values }) => sum + values, 0);
    const mismatches = counts.reduce((sum, { differing }) => sum + differing, 0);
    if (reference.kind === 'model') return { kind: 'model', outputs, mismatches };
    const floats = await this.#compareFloats(reference.floats, inputs, tensors);
    return { kind: 'integer-rewrite', outputs, mismatches, floats };
  }

  async #runWhole(model: Uint8Array, inputs: Tensors, arithmetic: Arithmetic): Promise<Tensors> {
    const session = await openSession(this.#ort, model, 'the whole model', arithmetic);
    try {
      return await session.run(inputs);
    } finally {
      await session.release();
    }
  }

  async #compareFloats(model: Uint8Array, inputs: Tensors, tensors: Tensors): Promise<FloatComparison> {
    const floats = new Map([...inputs, ...(await this.#runWhole(model, inputs, 'floats'))]);
    const layers = layersOf(this.#plan).map((layer) => {
      const integers = (run: Tensors): Float64Array => layerInput(layer, take(run, layer.input.tensor)).data;
      return differences(integers(floats), integers(tensors));
    });
    const outputs = this.#plan.outputs.map(({ name }) => {
      const values = (run: Tensors): Float64Array => toDoubles(take(run, name), name);
      return differences(values(floats), values(tensors));
    });
    return {
      requantized: total(layers, 'values'),
      differing: total(layers, 'differing'),
      largestSteps: largest(layers),
      outputs: total(outputs, 'values'),
      differingOutputs: total(outputs, 'differing'),
      largestOutputDifference: largest(outputs),
    };
  }
}

function take(tensors: Tensors, name: string): TypedTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw internalError(`the tensor ${name} is missing`);
  return tensor;
}

interface Differences {
  readonly values: number;
  readonly differing: number;
  readonly largest: number;
}

function differences(wanted: Float64Array, got: Float64Array): Differences {
  let differing = Math.abs(wanted.length - got.length);
  let most = 0;
  got.forEach((value, index) => {
    const expected = wanted[index];
    if (expected === value || expected === undefined) return;
    differing++;
    most = Math.max(most, Math.abs(expected - value));
  });
  return { values: got.length, differing, largest: most };
}

function total(counts: readonly Differences[], key: 'values' | 'differing'): number {
  return counts.reduce((sum, count) => sum + count[key], 0);
}

function largest(counts: readonly Differences[]): number {
  return counts.reduce((most, count) => Math.max(most, count.largest), 0);
}

/** Values that differ; all of them for another type or shape. NaN equals NaN, and 0 equals -0. */
function countDifferences(expected: TypedTensor, actual: TypedTensor): { values: number; differing: number } {
  const values = actual.data.length;
  if (expected.type !== actual.type || expected.shape.join() !== actual.shape.join()) {
    return { values, differing: values };
  }
  let differing = 0;
  for (let index = 0; index < values; index++) {
    const [left, right] = [expected.data[index], actual.data[index]];
    if (left !== right && !(Number.isNaN(left) && Number.isNaN(right))) differing++;
  }
  return { values, differing };
}
