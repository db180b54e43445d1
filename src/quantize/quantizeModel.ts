import { create, toBinary } from '@bufbuild/protobuf';
import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { requiredBitsAs } from '../../compiler/accumulator/declaredWidth.ts';
import { importOnnx } from '../frontend/onnx/importOnnx.ts';
import { ModelProtoSchema, ValueInfoProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ValueInfoProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { readModelProto } from '../frontend/onnx/proto/readProto.ts';
import { valueProto } from '../frontend/onnx/proto/write.ts';
import type { NpyNumbers } from '../frontend/npy.ts';
import { productsOf } from '../model/macs.ts';
import type { Ort } from '../model/ort.ts';
import { accuracyOf } from './accuracy.ts';
import type { Accuracy } from './accuracy.ts';
import { narrowed } from './bits.ts';
import { openWith, RangeCollector, requireOrt, runSample, samplesFor } from './calibrate.ts';
import type { RangeRule, Samples, TensorRange } from './calibrate.ts';
import { constantsOf, withOwnData } from './constants.ts';
import { linearNodes, operandNames } from './linearNodes.ts';
import type { LeftNode, LinearNode } from './linearNodes.ts';
import { raised } from './operatorSet.ts';
import { rewritten } from './rewrite.ts';
import type { Source } from './source.ts';
import type { QuantizedLayer } from './weights.ts';

/** How a float model is quantized. */
export interface QuantizeModelOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Folder of weights outside the file; null for none. */
  readonly folder: string | null;
  /** Bits of weights and inputs, 2 to 8, where nothing else asks for fewer. */
  readonly bits: { readonly weights: number; readonly input: number };
  readonly ranges: RangeRule;
  /** Signed bits that the sums of every layer have to fit; null for no bound. */
  readonly accumulatorBits: number | null;
  readonly onProgress: (step: string, done: number, total: number) => void;
}

/** A layer that became integers. */
interface LayerResult {
  readonly name: string;
  readonly op: string;
  readonly weightBits: number;
  readonly inputBits: number;
  /** Signed bits that hold every sum, exactly. */
  readonly accumulatorBits: number;
  /** Products of one sample. */
  readonly products: number;
}

/** What became of a float model. */
export interface QuantizeReport {
  readonly layers: readonly LayerResult[];
  /** Layers that stay in floats, or that nothing encrypts. */
  readonly left: readonly LeftNode[];
  readonly accuracy: Accuracy;
}

/**
 * Static quantization: ranges from calibration samples, uint8 inputs, int8 weights with a scale for each output channel.
 * @throws CipherconvError `unsupported`, `shape-mismatch`, `out-of-range` for what is not finite, or `overflow` where 2 bits
 * are still too many
 */
export async function quantizeModel(
  bytes: Uint8Array,
  calibration: NpyNumbers,
  options: QuantizeModelOptions,
): Promise<{ readonly model: Uint8Array; readonly report: QuantizeReport }> {
  const { file, accumulatorBits } = options;
  const read = readModelProto(bytes, file);
  const source = raised({ ...read, graph: withOwnData(read.graph, options.folder, file) }, file);
  const samples = samplesFor(source.graph, calibration, file);
  const ort = await requireOrt();
  const constants = await constantsOf(source, operandNames(source.graph), (part, names) =>
    openWith(ort, part, names),
  );
  const { nodes, left } = linearNodes(source.graph, constants, file);
  const { ranges, outputs } = await measure(ort, source, { nodes, samples, ...options });
  let layers = nodes.map((linear): QuantizedLayer => ({
    linear,
    bits: options.bits,
    range: ranges.get(linear.input) ?? { lo: 0, hi: 0, meanSquare: 0 },
    accumulatorBits,
  }));
  for (;;) {
    options.onProgress('choosing bits', 0, 1);
    const model = rewritten(source, layers, file);
    const sums = await sumsOf(model, samples, file);
    const narrower = narrowed(layers, sums.widths, accumulatorBits);
    if (narrower !== null) {
      layers = narrower;
      continue;
    }
    const accuracy = await accuracyOf(ort, model, samples, outputs, (index) => {
      options.onProgress('comparing', index, outputs.length);
    });
    const isFound = ({ linear }: QuantizedLayer): boolean => sums.widths.has(linear.name);
    const lost = layers
      .filter((layer) => !isFound(layer))
      .map((layer) => ({
        name: layer.linear.name,
        op: layer.linear.node.opType,
        reason: sums.reasons.get(layer.linear.name) ?? 'it is not among the layers that can be encrypted',
      }));
    const results = layers.filter(isFound).map(({ linear: { name, node }, bits }) => ({
      name,
      op: node.opType,
      weightBits: bits.weights,
      inputBits: bits.input,
      accumulatorBits: sums.widths.get(name) ?? 0,
      products: sums.products.get(name) ?? 0,
    }));
    return { model, report: { layers: results, left: [...left, ...lost], accuracy } };
  }
}

interface Measured {
  readonly ranges: ReadonlyMap<string, TensorRange>;
  /** First output of every sample. */
  readonly outputs: readonly Float64Array[];
}

async function measure(
  ort: Ort,
  source: Source,
  {
    nodes,
    samples,
    ranges,
    onProgress,
  }: { nodes: readonly LinearNode[]; samples: Samples } & QuantizeModelOptions,
): Promise<Measured> {
  const names = [...new Set(nodes.map(({ input }) => input))];
  const collectors = new Map(names.map((name) => [name, new RangeCollector(ranges)]));
  const session = await openWith(ort, source, names);
  const outputs: Float64Array[] = [];
  try {
    for (let index = 0; index < samples.items.length; index++) {
      onProgress('calibrating', index, samples.items.length);
      const found = await runSample(session, samples, index);
      const own = Float64Array.from(samples.items[index]!);
      for (const [name, collector] of collectors)
        collector.add(
          name === samples.name ? own : (found.get(name) ?? new Float64Array()),
          `sample ${index}, tensor ${JSON.stringify(name)}`,
        );
      outputs.push(found.get(source.graph.output[0]?.name ?? '') ?? new Float64Array());
    }
  } finally {
    await session.release();
  }
  return {
    ranges: new Map(Array.from(collectors, ([name, collector]) => [name, collector.range()])),
    outputs,
  };
}

interface Sums {
  /** Signed bits that every layer's sums need, by the name of its node. */
  readonly widths: ReadonlyMap<string, number>;
  readonly products: ReadonlyMap<string, number>;
  /** Why a linear node is no layer. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** As the compiler sees the model, for inputs of the samples' shape. */
async function sumsOf(model: Uint8Array, samples: Samples, file: string): Promise<Sums> {
  const { proto, graph } = readModelProto(model, file);
  const input = graph.input.map((each) =>
    each.name === samples.name ? withShape(each, samples.shape) : each,
  );
  const fixed = create(ModelProtoSchema, { ...proto, graph: { ...graph, input } });
  const { layers, unsupported } = await importOnnx(toBinary(ModelProtoSchema, fixed), { file });
  return {
    widths: new Map(
      layers.map(({ name, spec }) => [name, requiredBitsAs(analyzeAccumulator(spec).interval, true) ?? 64]),
    ),
    products: new Map(layers.map(({ name, spec }) => [name, productsOf(spec)])),
    reasons: new Map(unsupported.map(({ name, reason }) => [name, reason])),
  };
}

function withShape(input: ValueInfoProto, shape: readonly number[]): ValueInfoProto {
  return create(ValueInfoProtoSchema, { ...input, ...valueProto(input.name, 'float32', shape) });
}
