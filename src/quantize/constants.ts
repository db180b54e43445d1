import { CipherconvError } from '../../compiler/base/errors.ts';
import { externalReader } from '../frontend/onnx/proto/externalData.ts';
import { ELEMENTS, elementTypeOf, EXTERNAL } from '../frontend/onnx/proto/codes.ts';
import { noExternalData } from '../frontend/onnx/proto/externalReader.ts';
import type { GraphProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { decodeTensor } from '../frontend/onnx/proto/tensorProto.ts';
import { bodyBytes } from '../frontend/onnx/graph/bodies.ts';
import type { Session } from '../model/ort.ts';
import type { Source } from './source.ts';

/** What a graph computes from constants alone: weights often pass a Reshape or a Transpose, or come from a Constant. */

/** 32-bit floats in C order. */
export interface ConstantFloats {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/**
 * Takes values that stand in other files into the model, so that what is written is one file.
 * @param folder of the model; null where it has none
 * @throws CipherconvError `unsupported` without a folder, and what reading the files throws
 */
export function withOwnData(graph: GraphProto, folder: string | null, file: string): GraphProto {
  const read = externalReader(folder);
  return {
    ...graph,
    initializer: graph.initializer.map((tensor) => {
      if (tensor.dataLocation !== EXTERNAL) return tensor;
      const where = `${file}: ${tensor.name}`;
      const rawData = new Uint8Array(read(tensor, byteLengthOf(tensor, where), where));
      return { ...tensor, dataLocation: 0, externalData: [], rawData };
    }),
  };
}

function byteLengthOf({ dataType, dims }: TensorProto, where: string): number {
  const type = elementTypeOf(dataType);
  const bytes =
    Number(dims.reduce((product, extent) => product * extent, 1n)) *
    ((type === null ? 0 : ELEMENTS[type].bits) / 8);
  if (type !== null && bytes >= 0 && bytes < 2 ** 31) return Math.ceil(bytes);
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message: 'not supported yet: external data of this type or size',
    expected: 'at most 2 GiB of a numeric type',
    found: `data type ${dataType}, [${dims.join(', ')}]`,
  });
}

/** Operators whose result is another one each time. */
const RANDOM = /^Random|^Bernoulli$|^Multinomial$/;

/** Nodes that depend on constants alone, in the graph's order. */
function constantNodes(graph: GraphProto): NodeProto[] {
  const known = new Set(['', ...graph.initializer.map(({ name }) => name)]);
  return graph.node.filter((node) => {
    const { input, output, opType } = node;
    if (bodyBytes(node).length > 0 || RANDOM.test(opType) || !input.every((name) => known.has(name)))
      return false;
    for (const name of output) known.add(name);
    return true;
  });
}

/** Tensors of floats that depend on constants alone, by name; only those that are asked for. */
export type Constants = ReadonlyMap<string, ConstantFloats | null>;

/**
 * The values of these tensors: null for constants that are no 32-bit floats; what is not constant is not there.
 * @param open opens a model, which onnxruntime runs
 */
export async function constantsOf(
  { proto, graph }: Source,
  names: ReadonlySet<string>,
  open: (source: Source, names: readonly string[]) => Promise<Session>,
): Promise<Constants> {
  const found = new Map<string, ConstantFloats | null>();
  for (const tensor of graph.initializer) {
    if (names.has(tensor.name)) found.set(tensor.name, floatsOf(tensor));
  }
  const nodes = constantNodes(graph);
  const computed = nodes.flatMap(({ output }) => output).filter((name) => names.has(name));
  if (computed.length === 0) return found;
  const session = await open(
    { proto, graph: { ...graph, input: [], output: [], valueInfo: [], node: nodes } },
    computed,
  );
  try {
    for (const [name, { type, shape, data }] of await session.run(new Map()))
      found.set(
        name,
        type === 'float32' ? { shape, data: Float64Array.from(data as ArrayLike<number>) } : null,
      );
  } finally {
    await session.release();
  }
  return found;
}

function floatsOf(tensor: TensorProto): ConstantFloats | null {
  if (elementTypeOf(tensor.dataType) !== 'float32') return null;
  const { shape, data } = decodeTensor(tensor, tensor.name, noExternalData);
  return { shape, data: Float64Array.from(data as ArrayLike<number>) };
}
