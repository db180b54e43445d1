import { clone, toBinary } from '@bufbuild/protobuf';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { longWork } from '../../runtime/longWork.ts';
import { extentFlags } from '../frontend/onnx/graph/extents.ts';
import { ELEMENTS, isQuantizedType } from '../frontend/onnx/proto/codes.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ImportedLayer, ImportedModel } from '../frontend/onnx/types.ts';
import { storedPlan } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { cutGraph } from './cutGraph.ts';
import { integerReference, isExactInFloat32 } from './integerReference.ts';
import type { ScaledLayer } from './integerReference.ts';
import { layerEnds } from './layerEnds.ts';
import type {
  Arithmetic,
  ModelLayer,
  ModelLayerOutput,
  ModelPlan,
  ModelReference,
  ScaledOutput,
} from './modelPlan.ts';
import { untypedValue } from './protoParts.ts';
import { segmentModel } from './segmentModel.ts';
import { standardModel } from './standardModel.ts';
import type { CompileOptions } from '../../compiler/lowering/assemble.ts';

/** Tensors in a model's files have the graph's own axis order; its layers are NCHW inside. */
const LAYOUT = 'NCHW';

/**
 * Compiles an imported model: one plan for each linear layer, and the segments between them.
 * @param options apply to every layer
 * @param onLayer told which layer begins: its position, how many there are
 * @throws CipherconvError `overflow` or `beyond-bfv` naming the layer, `unsupported` for weights that are graph
 * inputs and symbolic extents without a size.
 */
export function compileModel(
  model: ImportedModel,
  options: CompileOptions = {},
  onLayer: (layer: number, total: number) => void = () => undefined,
): ModelPlan {
  refuseOpenExtents(model);
  refuseOpenLayers(model);
  const standard = standardModel(model);
  const arithmetic = arithmeticOf(model, standard);
  const ends = layerEnds(model, standard, arithmetic);
  const cutting = cutGraph(
    standard,
    model.inputs.map(({ name }) => name),
    model.outputs.map(({ name }) => name),
    ends.map(({ input, output }) => ({ input: input.tensor, output: output.tensor })),
  );
  const plans = model.layers.map((layer, index) => {
    onLayer(index, model.layers.length);
    return compileLayer(model.file, layer, options);
  });
  const layers = model.layers.map((layer, index): ModelLayer => {
    const { name, op, arrangement } = layer;
    return { name, op, arrangement, ...ends[index]!, stored: plans[index]! };
  });
  return {
    name: model.name,
    inputs: model.inputs.map(port(model)),
    outputs: model.outputs.map(port(model)),
    segments: cutting.segments.map((segment, index) =>
      segment === null
        ? null
        : {
            inputs: segment.inputs,
            outputs: segment.outputs,
            model: segmentModel(standard, segment, `segment ${index}`),
          },
    ),
    rounds: cutting.rounds.map((round) => round.map((index) => layers[index]!)),
    clear: model.unsupported
      .filter(({ kind }) => kind === 'linear')
      .map(({ name, op, reason }) => ({ name, op, reason })),
    arithmetic,
    reference: reference(standard, layers),
  };
}

/** Whether all that is quantized has 8 bits. Biases have 32, and tell nothing. */
function arithmeticOf(model: ImportedModel, standard: ModelProto): Arithmetic {
  const quantized = (standard.graph?.node ?? []).flatMap(({ opType, input, output }) =>
    opType === 'QuantizeLinear' ? output : opType === 'DequantizeLinear' ? input.slice(0, 1) : [],
  );
  const isOther = quantized.some((name) => {
    const type = (model.values.get(name) ?? model.constants.get(name))?.type ?? null;
    return type === null || (isQuantizedType(type) && ELEMENTS[type].bits !== 8);
  });
  return isOther ? 'floats' : 'integers';
}

function port(model: ImportedModel): (value: ImportedModel['inputs'][number]) => ModelPlan['inputs'][number] {
  return ({ name, type, shape }) => {
    if (type !== null) return { name, type, shape };
    throw new CipherconvError({
      code: 'unsupported',
      where: model.file,
      message: `the type of ${JSON.stringify(name)} is not known`,
      hint: 'run ONNX shape inference over the model first',
    });
  };
}

function refuseOpenExtents({ file, openExtents }: ImportedModel): void {
  if (openExtents.length === 0) return;
  const places = openExtents.map(({ symbol, input, axis }) => `${symbol} (axis ${axis} of ${input})`);
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: `extents of the model's inputs are symbolic, and a plan is for fixed sizes: ${places.join(', ')}`,
    expected: 'a size for each',
    found: openExtents.map(({ symbol }) => symbol).join(', '),
    hint: `${extentFlags(openExtents)}; the API takes them as extents, and run takes them from the input`,
  });
}

function refuseOpenLayers({ file, openLayers }: ImportedModel): void {
  const [first] = openLayers;
  if (first === undefined) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: `${file}: ${first.name}`,
    message: `the weights, scales or zero points of ${first.op} are graph inputs, so nothing can be compiled for them`,
    expected: 'constants',
    found: `graph inputs ${first.open.join(', ')}`,
    hint: first.open.map((name) => `--bind ${name}=FILE.pb`).join(' '),
  });
}

function compileLayer(file: string, layer: ImportedLayer, options: CompileOptions): StoredPlan {
  try {
    return longWork(() => storedPlan(compileSpec(layer.spec, options), LAYOUT));
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { where } = error.details;
    const place = `${file}: ${layer.name}`;
    throw new CipherconvError(
      { ...error.details, where: where === undefined ? place : `${place}: ${where}` },
      { cause: error },
    );
  }
}

function isScaled(output: ModelLayerOutput): output is ScaledOutput {
  return output.kind === 'scaled';
}

function reference(standard: ModelProto, layers: readonly ModelLayer[]): ModelReference {
  const scaled = layers.flatMap(({ input, output, stored }): ScaledLayer[] =>
    isScaled(output) ? [{ spec: stored.plan.spec, input, output }] : [],
  );
  if (scaled.length === 0) return { kind: 'model', model: toBinary(ModelProtoSchema, standard) };
  const floats = toBinary(
    ModelProtoSchema,
    showing(
      standard,
      layers.map(({ input }) => input.tensor),
    ),
  );
  const isRewritable = layers.every(({ arrangement }) => arrangement.kind !== 'phases');
  if (!isRewritable || !scaled.every(({ spec }) => isExactInFloat32(spec)))
    return { kind: 'layers-only', floats };
  const model = toBinary(ModelProtoSchema, integerReference(standard, scaled));
  return { kind: 'integer-rewrite', model, floats };
}

/** The model with more outputs: those tensors that a node makes. */
function showing(model: ModelProto, tensors: readonly string[]): ModelProto {
  const copy = clone(ModelProtoSchema, model);
  const { graph } = copy;
  if (graph === undefined) return copy;
  const shown = new Set(graph.output.map(({ name }) => name));
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const more = [...new Set(tensors)].filter((name) => made.has(name) && !shown.has(name));
  graph.output.push(...more.map(untypedValue));
  return copy;
}
