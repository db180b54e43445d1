import { clone } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import { EXTERNAL } from '../frontend/onnx/proto/codes.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { GraphProto, ModelProto, TensorProto, ValueInfoProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { OnnxSource } from '../frontend/onnx/types.ts';
import { initializer } from './protoParts.ts';
import { dropForeignAttributes } from './standardAttributes.ts';
import { requireCrossing } from './typedTensor.ts';

/** From this version of the format on, an initializer need not be a graph input too. */
const FREE_INITIALIZERS = 4n;
/** The version that has 4-bit integers. */
const NEWEST_IR = 10n;

/**
 * The imported model complete in itself, as the interpreter and, but for QONNX nodes, onnxruntime take it: external data and
 * bound inputs as initializers, and nothing among the inputs that has an initializer.
 * @throws CipherconvError `unsupported` for initializers of types that cannot be written.
 */
export function completeModel(model: ImportedModel, { proto }: OnnxSource): ModelProto {
  const copy = clone(ModelProtoSchema, proto);
  const { graph } = copy;
  if (graph === undefined) throw internalError('a model without a graph');
  if (copy.irVersion < FREE_INITIALIZERS) copy.irVersion = FREE_INITIALIZERS;
  // Later versions add nothing that a model read here can hold, and onnxruntime refuses those it does not know.
  if (copy.irVersion > NEWEST_IR) copy.irVersion = NEWEST_IR;
  const inputs = new Set(model.inputs.map(({ name }) => name));
  const present = new Set(graph.initializer.map(({ name }) => name));
  const bound = graph.input.filter(({ name }) => !inputs.has(name) && !present.has(name));
  graph.initializer = [
    ...graph.initializer.map((tensor) =>
      tensor.dataLocation === EXTERNAL ? fromConstants(model, tensor.name) : tensor,
    ),
    ...bound.map(({ name }) => fromConstants(model, name)),
  ];
  copy.opsetImport = eachOnce(copy.opsetImport);
  forgetRepeatedNames(graph);
  dropForeignAttributes(graph);
  graph.input = graph.input.filter(({ name }) => inputs.has(name));
  for (const value of graph.input) forgetNonsense(value);
  return copy;
}

/** A domain is called by one name, once. */
function eachOnce(opsets: ModelProto['opsetImport']): ModelProto['opsetImport'] {
  const byDomain = new Map(opsets.map((opset) => [opset.domain === 'ai.onnx' ? '' : opset.domain, opset]));
  for (const [domain, opset] of byDomain) opset.domain = domain;
  return [...byDomain.values()];
}

/** Some exporters write 0 or -1 for an extent that is open; onnxruntime takes it at its word. */
function forgetNonsense({ type }: ValueInfoProto): void {
  if (type?.value.case !== 'tensorType') return;
  for (const extent of type.value.value.shape?.dim ?? [])
    if (extent.value.case === 'dimValue' && extent.value.value <= 0n) extent.value = { case: undefined };
}

/** onnxruntime refuses two nodes of one name, which the format allows; nothing refers to them by it. */
function forgetRepeatedNames({ node }: GraphProto): void {
  const seen = new Set<string>();
  for (const one of node) {
    if (seen.has(one.name)) one.name = '';
    seen.add(one.name);
  }
}

function fromConstants(model: ImportedModel, name: string): TensorProto {
  const constant = model.constants.get(name);
  if (constant === undefined) throw internalError(`the constant ${name} was not read`);
  return initializer(name, requireCrossing(constant.type, name), constant.shape, constant.data);
}
