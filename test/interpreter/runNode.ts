import * as ort from 'onnxruntime-web/wasm';
import { elementCount } from '../../compiler/base/tensor.ts';
import { ELEMENTS } from '../../src/frontend/onnx/proto/codes.ts';
import type { ElementType } from '../../src/frontend/onnx/proto/codes.ts';
import { orderedNodes } from '../../src/frontend/onnx/graph/graph.ts';
import { readModelProto } from '../../src/frontend/onnx/proto/readProto.ts';
import { stepsOf } from '../../src/frontend/onnx/operators/steps.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import type { DenseTensor } from '../../src/interpreter/values.ts';
import { emptyArray, typeRange } from '../../src/interpreter/values.ts';
import { encodeModel, node, value } from '../frontend/onnx/models.ts';
import type { Attribute } from '../frontend/onnx/models.ts';

/** One node with random inputs: by the interpreter, and by onnxruntime-web without optimization. */

ort.env.wasm.numThreads = 1;

/** An input: random values of a type, or these. */
export type Input =
  | {
      readonly type: ElementType;
      readonly shape: readonly number[];
      readonly lo?: number;
      readonly hi?: number;
    }
  | { readonly type: ElementType; readonly shape: readonly number[]; readonly values: readonly number[] }
  | null;

export interface Case {
  readonly op: string;
  readonly inputs: readonly Input[];
  readonly attributes?: readonly Attribute[];
  readonly outputs: readonly (readonly [ElementType, readonly (number | string)[]])[];
  readonly opset?: number;
  readonly domain?: string;
}

/** Numbers in [0, 1): a linear congruential generator, upper bits. */
function randomFrom(seed: number): () => number {
  let state = BigInt(seed) * 2862933555777941757n + 3037000493n;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) / 2 ** 31;
  };
}

function tensorOf(input: NonNullable<Input>, random: () => number): DenseTensor {
  const { type, shape } = input;
  const data = emptyArray(type, elementCount(shape));
  if ('values' in input) data.set(input.values);
  else if (ELEMENTS[type].kind === 'float') {
    const { lo = -4, hi = 4 } = input;
    for (let index = 0; index < data.length; index++) data[index] = lo + random() * (hi - lo);
  } else {
    const all = type === 'bool' ? { lo: 0, hi: 1 } : typeRange(type);
    const { lo = Math.max(all.lo, -(2 ** 20)), hi = Math.min(all.hi, 2 ** 20) } = input;
    for (let index = 0; index < data.length; index++) data[index] = lo + Math.floor(random() * (hi - lo + 1));
  }
  return { type, shape, data };
}

const ORT_NAMES: Partial<Record<ElementType, string>> = { double: 'float64' };

function toOrt({ type, shape, data }: DenseTensor): ort.Tensor {
  const crossing = type === 'int64' ? BigInt64Array.from(Array.from(data, BigInt)) : data;
  return new ort.Tensor((ORT_NAMES[type] ?? type) as 'float32', crossing as Float32Array, [...shape]);
}

export interface Pair {
  readonly ours: DenseTensor;
  readonly theirs: {
    readonly type: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
  };
}

/** Every output, as both compute it. */
export async function runBoth(test: Case, seed: number): Promise<Pair[]> {
  const random = randomFrom(seed);
  const inputs = test.inputs.map((input) => (input === null ? null : tensorOf(input, random)));
  const names = inputs.map((input, index) => (input === null ? '' : `i${index}`));
  const outputs = test.outputs.map((_, index) => `o${index}`);
  const domain = test.domain ?? '';
  const bytes = encodeModel({
    nodes: [node(test.op, names, outputs, test.attributes ?? [], { domain })],
    inputs: inputs.flatMap((input, index) =>
      input === null ? [] : [value(names[index]!, input.type, input.shape)],
    ),
    outputs: test.outputs.map(([type, shape], index) => value(outputs[index]!, type, shape)),
    opset: test.opset ?? 21,
    domains: domain === '' ? [] : [domain],
  });
  const given = new Map(
    inputs.flatMap((input, index) => (input === null ? [] : [[names[index]!, input] as const])),
  );
  const nodes = orderedNodes(readModelProto(bytes, 'test').graph, 'test');
  const made = await interpret(stepsOf(nodes, test.opset ?? 21, 'test'), given, outputs);
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  });
  try {
    const feeds = Object.fromEntries([...given].map(([name, tensor]) => [name, toOrt(tensor)]));
    const results = await session.run(feeds);
    return outputs.map((name) => {
      const theirs = results[name]!;
      return {
        ours: made.get(name)!,
        theirs: {
          type: theirs.type === 'float64' ? 'double' : theirs.type,
          shape: theirs.dims,
          data: Array.from(theirs.data as ArrayLike<number | bigint>, Number),
        },
      };
    });
  } finally {
    await session.release();
  }
}
