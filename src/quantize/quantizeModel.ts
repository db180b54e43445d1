import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { requiredBitsAs } from '../../compiler/accumulator/declaredWidth.ts';
import { importOnnx } from '../frontend/onnx/importOnnx.ts';
import { readModelProto } from '../frontend/onnx/proto/readProto.ts';
import type { NpyNumbers } from '../frontend/npy.ts';
import type { Ort } from '../model/ort.ts';
import { openWith, RangeCollector, requireOrt, runSample, samplesFor } from './calibrate.ts';
import type { RangeRule, Samples } from './calibrate.ts';
import { raised } from './operatorSet.ts';
import { linearNodes } from './linearNodes.ts';
import type { LeftNode, LinearNode } from './linearNodes.ts';
import { rewritten } from './rewrite.ts';
import type { QuantizedLayer } from './rewrite.ts';

/** How a float model is quantized. */
export interface QuantizeModelOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Bits of weights and inputs, 2 to 8, where nothing else asks for fewer. */
  readonly bits: number;
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
  /** Signed bits that hold every sum, exactly; null where the layer was not found again. */
  readonly accumulatorBits: number | null;
}

/** What became of a float model. */
export interface QuantizeReport {
  readonly layers: readonly LayerResult[];
  /** Layers that stay in floats. */
  readonly left: readonly LeftNode[];
  /** On the calibration samples, first output: how often the largest value stands at the same place, and how far values differ. */
  readonly accuracy: {
    readonly samples: number;
    readonly sameTop1: number;
    readonly largestDifference: number;
    readonly largestValue: number;
  };
}

const FEWEST_BITS = 2;

/**
 * Static quantization: ranges from calibration samples, uint8 inputs, int8 weights with a scale for each output channel.
 * @throws CipherconvError `unsupported`, `shape-mismatch`, or `overflow` where 2 bits are still too many
 */
export async function quantizeModel(
  bytes: Uint8Array,
  calibration: NpyNumbers,
  options: QuantizeModelOptions,
): Promise<{ readonly model: Uint8Array; readonly report: QuantizeReport }> {
  const source = raised(readModelProto(bytes, options.file), options.file);
  const { nodes, left } = linearNodes(source.graph, options.file);
  const samples = samplesFor(source.graph, calibration, options.file);
  const ort = await requireOrt();
  const { ranges, outputs } = await measure(ort, source, { nodes, samples, ...options });
  let layers = nodes.map((linear): QuantizedLayer => ({
    linear,
    bits: { weights: options.bits, input: options.bits },
    range: ranges.get(linear.input) ?? { lo: 0, hi: 0 },
  }));
  for (;;) {
    const model = rewritten(source, layers);
    const widths = await accumulatorWidths(model, options.file);
    const narrower = narrowed(layers, widths, options.accumulatorBits);
    if (narrower === null) {
      const accuracy = await compare(ort, model, samples, outputs, options);
      const results = layers.map(({ linear: { name, node }, bits }) => ({
        name,
        op: node.opType,
        weightBits: bits.weights,
        inputBits: bits.input,
        accumulatorBits: widths.get(name) ?? null,
      }));
      return { model, report: { layers: results, left, accuracy } };
    }
    layers = narrower;
  }
}

type Source = ReturnType<typeof readModelProto>;

interface Measured {
  readonly ranges: ReadonlyMap<string, { readonly lo: number; readonly hi: number }>;
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
      collectors.get(samples.name)?.add(Float64Array.from(samples.items[index]!));
      for (const [name, collector] of collectors) collector.add(found.get(name) ?? new Float64Array());
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

/** Signed bits that every layer's sums need, by the name of its node. */
async function accumulatorWidths(model: Uint8Array, file: string): Promise<ReadonlyMap<string, number>> {
  const { layers } = await importOnnx(model, { file });
  return new Map(
    layers.map(({ name, spec }) => [name, requiredBitsAs(analyzeAccumulator(spec).interval, true) ?? 64]),
  );
}

/** A bit less for layers that are too wide: of the weights, or, where those have fewer, of the input. Null: none is. */
function narrowed(
  layers: readonly QuantizedLayer[],
  widths: ReadonlyMap<string, number>,
  most: number | null,
): QuantizedLayer[] | null {
  const isWide = ({ linear }: QuantizedLayer): boolean =>
    most !== null && (widths.get(linear.name) ?? 0) > most;
  if (!layers.some(isWide)) return null;
  return layers.map((layer) => {
    if (!isWide(layer)) return layer;
    const { weights, input } = layer.bits;
    if (weights <= FEWEST_BITS && input <= FEWEST_BITS) throw tooWide(layer, widths, most ?? 0);
    const bits =
      weights >= input && weights > FEWEST_BITS
        ? { weights: weights - 1, input }
        : { weights, input: input - 1 };
    return { ...layer, bits };
  });
}

function tooWide(
  { linear }: QuantizedLayer,
  widths: ReadonlyMap<string, number>,
  most: number,
): CipherconvError {
  return new CipherconvError({
    code: 'overflow',
    where: linear.name,
    message: `its sums do not fit ${most} signed bits, even with weights and inputs of ${FEWEST_BITS} bits`,
    expected: `${most} signed bits`,
    found: `${widths.get(linear.name) ?? 0} signed bits`,
    hint: 'give more --accumulator-bits',
  });
}

async function compare(
  ort: Ort,
  model: Uint8Array,
  samples: Samples,
  floats: readonly Float64Array[],
  { file, onProgress }: QuantizeModelOptions,
): Promise<QuantizeReport['accuracy']> {
  const source = readModelProto(model, file);
  const session = await openWith(ort, source, []);
  let [sameTop1, largestDifference, largestValue] = [0, 0, 0];
  try {
    for (const [index, wanted] of floats.entries()) {
      onProgress('comparing', index, floats.length);
      const results = await runSample(session, samples, index);
      const got = results.get(source.graph.output[0]?.name ?? '') ?? new Float64Array();
      if (topOf(got) === topOf(wanted)) sameTop1++;
      wanted.forEach((value, at) => {
        largestValue = Math.max(largestValue, Math.abs(value));
        largestDifference = Math.max(largestDifference, Math.abs(value - (got[at] ?? NaN)));
      });
    }
  } finally {
    await session.release();
  }
  return { samples: floats.length, sameTop1, largestDifference, largestValue };
}

function topOf(values: Float64Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? -Infinity) ? index : best), 0);
}
