import { create, toBinary } from '@bufbuild/protobuf';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { GraphProtoSchema, ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto, NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { OnnxTensor } from '../frontend/onnx/types.ts';
import type { Step } from '../interpreter/interpreter.ts';
import { loadOrt, openSession, PACKAGE, VERSION } from './ort.ts';
import { untypedValue, valueInfo } from './protoParts.ts';
import { fromDense, toDense } from './typedTensor.ts';

/**
 * One node in onnxruntime-web, without optimization: for operators that the interpreter does not compute. Alone, a node has
 * the same result wherever it stands.
 * @throws CipherconvError `unsupported` naming the node, where the package is missing or refuses it
 */
export async function runByOnnxruntime(
  { irVersion, opsetImport }: ModelProto,
  node: NodeProto,
  { name, op, inputs: names }: Step,
  inputs: readonly (OnnxTensor | null)[],
): Promise<readonly OnnxTensor[]> {
  const ort = await loadOrt();
  if (ort === null) {
    throw new CipherconvError({
      code: 'unsupported',
      where: name,
      message: `not supported yet: ${op} in the clear`,
      expected: `an operator that the interpreter computes, or ${PACKAGE}, which is not installed`,
      hint: `npm install ${PACKAGE}@${VERSION}`,
    });
  }
  const given = new Map<string, OnnxTensor>();
  inputs.forEach((tensor, index) => {
    const input = names[index] ?? '';
    if (tensor !== null && input !== '') given.set(input, tensor);
  });
  const outputs = node.output.filter((output) => output !== '');
  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport,
    graph: create(GraphProtoSchema, {
      name: 'node',
      node: [node],
      input: [...given].map(([input, { type, shape }]) => valueInfo(input, type, shape)),
      output: outputs.map(untypedValue),
    }),
  });
  const session = await openSession(ort, toBinary(ModelProtoSchema, model), `${name} (${op})`, 'disabled');
  try {
    const feeds = [...given].map(([input, tensor]) => [input, fromDense(tensor, input)] as const);
    const results = await session.run(new Map(feeds));
    return node.output.map((output) => {
      const result = results.get(output);
      return result === undefined ? EMPTY : toDense(result, output);
    });
  } finally {
    await session.release();
  }
}

/** Of an optional output that is left out: nobody reads it. */
const EMPTY: OnnxTensor = { type: 'float32', shape: [0], data: new Float32Array(0) };
