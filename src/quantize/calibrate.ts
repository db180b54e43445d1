import { toBinary } from '@bufbuild/protobuf';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { GraphProto, ValueInfoProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { NpyNumbers } from '../frontend/npy.ts';
import { loadOrt, openSession, PACKAGE } from '../model/ort.ts';
import type { Ort, Session } from '../model/ort.ts';
import { untypedValue } from '../model/protoParts.ts';
import type { Source } from './source.ts';

/** Running a float model, or the quantized one, on samples: one at a time. */

/** The one input of the model, with its samples. */
export interface Samples {
  readonly name: string;
  /** Of one sample, batch of 1 included. */
  readonly shape: readonly number[];
  readonly items: readonly Float32Array[];
}

/**
 * Takes the array apart along its first axis.
 * @throws CipherconvError `unsupported` for models of several inputs or of a fixed batch, `shape-mismatch`
 */
export function samplesFor(graph: GraphProto, { shape, data }: NpyNumbers, file: string): Samples {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message: 'not supported yet: models of several inputs',
      expected: 'one input',
      found: inputs.map(({ name }) => name).join(', '),
    });
  }
  const [count = 0, ...sample] = shape;
  requireSamples(extentsOf(input), shape, { file, input: input.name });
  const length = data.length / count;
  const items = Array.from({ length: count }, (_, index) =>
    Float32Array.from(data.subarray(index * length, (index + 1) * length)),
  );
  return { name: input.name, shape: [1, ...sample], items };
}

/** Null: open. */
function extentsOf({ type }: ValueInfoProto): (number | null)[] {
  const value = type?.value;
  const extents = value?.case === 'tensorType' ? (value.value.shape?.dim ?? []) : [];
  return extents.map((extent) => (extent.value.case === 'dimValue' ? Number(extent.value.value) : null));
}

function requireSamples(
  own: readonly (number | null)[],
  shape: readonly number[],
  { file, input }: { readonly file: string; readonly input: string },
): void {
  const [batch = null, ...extents] = own;
  const [count = 0, ...sample] = shape;
  const isSingle = batch === null || batch === 1;
  const isSame = extents.every((extent, axis) => extent === null || extent === sample[axis]);
  if (isSingle && isSame && count > 0 && own.length === shape.length) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: file,
    message: `not samples of the input ${JSON.stringify(input)}, whose batch has to be 1 or open`,
    expected: `[n, ${extents.map((extent) => extent ?? 'any').join(', ')}]`,
    found: `[${shape.join(', ')}]${isSingle ? '' : `, for a batch of ${batch}`}`,
  });
}

/** @throws CipherconvError `unsupported` where onnxruntime-web is not installed */
export async function requireOrt(): Promise<Ort> {
  const ort = await loadOrt();
  if (ort !== null) return ort;
  throw new CipherconvError({
    code: 'unsupported',
    where: PACKAGE,
    message: 'float models are run with an optional package, which is not installed',
    hint: `npm install ${PACKAGE}`,
  });
}

/** Opens a model whose outputs are the tensors of these names, besides its own. */
export function openWith(ort: Ort, { proto, graph }: Source, names: readonly string[]): Promise<Session> {
  const own = new Set([...graph.output, ...graph.input].map(({ name }) => name));
  const added = names.filter((name) => !own.has(name)).map(untypedValue);
  const bytes = toBinary(ModelProtoSchema, {
    ...proto,
    graph: { ...graph, output: [...graph.output, ...added] },
  });
  return openSession(ort, bytes, 'the float model', 'disabled');
}

/** Runs one sample. */
export async function runSample(
  session: Session,
  { name, shape, items }: Samples,
  index: number,
): Promise<ReadonlyMap<string, Float64Array>> {
  const input = { type: 'float32' as const, shape, data: items[index] ?? new Float32Array() };
  const results = await session.run(new Map([[name, input]]));
  return new Map(
    Array.from(results, ([output, { data }]) => [output, Float64Array.from(data as ArrayLike<number>)]),
  );
}

/** How the ends of a range are found: the extremes, or what all but so many percent keep to, at each end. */
export type RangeRule =
  { readonly kind: 'min-max' } | { readonly kind: 'percentile'; readonly percent: number };

/** Values of one tensor that a percentile is taken of: at most so many a sample, evenly spread. */
const KEPT = 2048;

/** What the samples had in one tensor. */
export interface TensorRange {
  /** At most 0. */
  readonly lo: number;
  /** At least 0. */
  readonly hi: number;
  readonly meanSquare: number;
}

/** Collects the values of one tensor. */
export class RangeCollector {
  #lo = 0;
  #hi = 0;
  #squares = 0;
  #count = 0;
  readonly #kept: number[] = [];
  readonly #rule: RangeRule;

  constructor(rule: RangeRule) {
    this.#rule = rule;
  }

  /** @throws CipherconvError `out-of-range` where a value is infinite or no number */
  add(values: Float64Array, where: string): void {
    for (const value of values) {
      if (!Number.isFinite(value)) throw notFinite(value, where);
      if (value < this.#lo) this.#lo = value;
      if (value > this.#hi) this.#hi = value;
      this.#squares += value * value;
    }
    this.#count += values.length;
    if (this.#rule.kind === 'min-max') return;
    const step = Math.max(1, Math.floor(values.length / KEPT));
    for (let index = 0; index < values.length; index += step) this.#kept.push(values[index]!);
  }

  /** Ends that hold 0. */
  range(): TensorRange {
    const meanSquare = this.#squares / Math.max(1, this.#count);
    if (this.#rule.kind === 'min-max') return { lo: this.#lo, hi: this.#hi, meanSquare };
    const sorted = Float64Array.from(this.#kept).sort();
    const beyond = Math.floor(((100 - this.#rule.percent) / 100) * (sorted.length - 1));
    return {
      lo: Math.min(sorted[beyond] ?? 0, 0),
      hi: Math.max(sorted[sorted.length - 1 - beyond] ?? 0, 0),
      meanSquare,
    };
  }
}

function notFinite(value: number, where: string): CipherconvError {
  return new CipherconvError({
    code: 'out-of-range',
    where,
    message: 'the float model gives what is no finite number',
    expected: 'finite numbers',
    found: String(value),
    hint: 'leave the sample out, or look at the model: quantization needs ranges',
  });
}
