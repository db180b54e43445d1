import { CipherconvError } from '../../compiler/base/errors.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { resolveAutoPad } from './autoPad.ts';
import { requireConfig } from './configIssues.ts';
import { configPathOf } from './configPaths.ts';
import type { WeightSource } from './configPaths.ts';
import { canonicalShape, canonicalWeightShape, weightsToCanonical } from './layouts.ts';
import { flattenNested } from './nested.ts';
import { createLocator, formatPath, locate, LocatedError, parseJson } from './positions.ts';
import type { JsonPath, Locator, Position } from './positions.ts';
import type { AutoPad, FilterConfig, TensorLayout } from './schema.ts';

/** Where the text of a filter config comes from. */
export interface ConfigSource {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Reads the .npy file that `values` names, relative to the config. Without it such a config is refused. */
  readonly loadNpy?: (path: string) => Tensor;
}

/** A filter config, checked. */
export interface ParsedConfig {
  /** The convolution, NCHW and OIHW. */
  readonly spec: ConvSpec;
  /** Axis order of input and output tensors outside; the spec itself is always NCHW. */
  readonly layout: TensorLayout;
  /** What the pads came from, so that another input size can be given new ones; null for explicit pads. */
  readonly autoPad: AutoPad | null;
  /** Name of the file, for messages. */
  readonly file: string;
  /** Line and column of a key or value of the config, or of the closest thing above it. */
  readonly locate: Locator;
  /** Where the weights of an output channel stand: its own array if it has one, else its first weight, or the file's name. */
  readonly weightPath: (channel: number) => JsonPath;
}

/** A config whose accumulator is too wide for exact arithmetic. `spec` is right in all other respects. */
export class TooWideError extends LocatedError {
  readonly spec: ConvSpec;

  constructor(file: string, position: Position | null, cause: CipherconvError, spec: ConvSpec) {
    super(file, position, cause.details, { cause });
    this.spec = spec;
  }
}

/**
 * The one way from the text of a `*.conv.json` to a checked spec: layouts become NCHW and OIHW, autoPad becomes pads,
 * defaults are filled in. Reads no file itself, so it runs in a browser too.
 * @throws LocatedError with file, line and column: `malformed-json`, `malformed-config`, `out-of-range`,
 *   `shape-mismatch` or `beyond-bfv`; and whatever `loadNpy` throws.
 */
export function parseFilterConfig(text: string, source: ConfigSource = { file: 'config' }): ParsedConfig {
  const config = requireConfig(parseJson(text, source.file), text, source.file);
  const weights = readWeights(config, text, source);
  const unchecked = specOf(config, weights.values, text, source.file);
  return {
    spec: checkedSpec(unchecked, (error) => inConfig(error, config, weights.source, text, source.file)),
    layout: config.input.layout,
    autoPad: config.autoPad ?? null,
    file: source.file,
    locate: createLocator(text),
    weightPath: (channel) => weightPathOf(config, weights.source, channel),
  };
}

function checkedSpec(spec: ConvSpec, inConfig: (error: CipherconvError) => LocatedError): ConvSpec {
  try {
    return makeSpec(spec);
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const located = inConfig(error);
    if (error.code !== 'beyond-bfv') throw located;
    throw new TooWideError(located.file, located.position, error, spec);
  }
}

function weightPathOf(config: FilterConfig, source: WeightSource, channel: number): JsonPath {
  const [outChannels, ...extents] = canonicalWeightShape(config.weights.shape, config.weights.layout);
  const perOutput = extents.reduce((product, extent) => product * extent, 1);
  const first = Math.min(channel, outChannels - 1) * perOutput;
  const { path } = configPathOf(`weights.values[${first}]`, config, source);
  // weights.values[channel][0][0][0] in OIHW: the channel has an array of its own.
  return config.weights.layout === 'OIHW' && path.length === 6 ? path.slice(0, 3) : path;
}

function specOf(config: FilterConfig, values: Float64Array, text: string, file: string): ConvSpec {
  const [batch, channels, height, width] = canonicalShape(config.input.shape, config.input.layout);
  const [outChannels, channelsPerGroup, kernelHeight, kernelWidth] = canonicalWeightShape(
    config.weights.shape,
    config.weights.layout,
  );
  const { bits, signed, zeroPoint } = config.input;
  const [lo, hi] =
    config.input.range ?? (signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]);
  const zeroPoints = config.weights.zeroPoint;
  return {
    name: config.name,
    input: { batch, channels, height, width, bits, signed, zeroPoint, range: { lo, hi } },
    weights: {
      outChannels,
      channelsPerGroup,
      kernelHeight,
      kernelWidth,
      bits: config.weights.bits,
      signed: config.weights.signed,
      zeroPoints: typeof zeroPoints === 'number' ? repeat(zeroPoints, outChannels) : zeroPoints,
      values: Array.from(values),
    },
    bias: config.bias?.map((bias, index) => exactBias(bias, index, text, file)) ?? repeat(0, outChannels),
    strides: config.strides,
    pads: padsOf(config, [height, width], [kernelHeight, kernelWidth]),
    dilations: config.dilations,
    group: config.group,
    accumulator: config.accumulator ?? null,
  };
}

/** The extents were proved by the number of weights that really came, except O of an empty filter: capped all the same. */
function repeat(value: number, count: number): number[] {
  return Array.from({ length: Math.min(count, 2 ** 24) }, () => value);
}

function padsOf(
  config: FilterConfig,
  [height, width]: readonly [number, number],
  [kernelHeight, kernelWidth]: readonly [number, number],
): [number, number, number, number] {
  if (config.autoPad === undefined) return config.pads ?? [0, 0, 0, 0];
  const [strideY, strideX] = config.strides;
  const [dilationY, dilationX] = config.dilations;
  return resolveAutoPad(
    config.autoPad,
    { size: height, kernel: kernelHeight, stride: strideY, dilation: dilationY },
    { size: width, kernel: kernelWidth, stride: strideX, dilation: dilationX },
  );
}

/** A bias written as a string keeps all its digits until here, so that none is rounded in silence. */
function exactBias(bias: number | string, index: number, text: string, file: string): number {
  const exact = BigInt(bias);
  if (Number.isSafeInteger(Number(exact)) && BigInt(Number(exact)) === exact) return Number(exact);
  const path = ['bias', index];
  throw new LocatedError(file, locate(text, path), {
    code: 'out-of-range',
    where: formatPath(path),
    message: 'out of range',
    expected: 'an integer below 2^53 in magnitude',
    found: String(bias),
  });
}

interface ReadWeights {
  readonly values: Float64Array;
  readonly source: WeightSource;
}

function readWeights(config: FilterConfig, text: string, source: ConfigSource): ReadWeights {
  const { shape, layout, values } = config.weights;
  if (!Array.isArray(values)) return readNpyWeights(config, values.npy, text, source);
  const flattened = flattenNested(values, shape, 'weight');
  if (!flattened.ok) {
    const { kind, path, ...fault } = flattened.fault;
    const full = ['weights', 'values', ...path];
    throw new LocatedError(source.file, locate(text, full), {
      code: kind === 'count' ? 'shape-mismatch' : 'malformed-config',
      where: formatPath(full),
      ...fault,
    });
  }
  return {
    values: weightsToCanonical(flattened.values, shape, layout),
    source: { kind: 'inline', nesting: flattened.nesting },
  };
}

function readNpyWeights(config: FilterConfig, npy: string, text: string, source: ConfigSource): ReadWeights {
  const { shape, layout } = config.weights;
  const path = ['weights', 'values', 'npy'];
  const refuse = (
    code: 'unsupported' | 'shape-mismatch',
    message: string,
    expected: string,
    found: string,
  ): never => {
    const where = formatPath(path);
    throw new LocatedError(source.file, locate(text, path), { code, where, message, expected, found });
  };
  if (source.loadNpy === undefined) {
    return refuse(
      'unsupported',
      'weights in a file cannot be read here',
      'weights in the config itself',
      npy,
    );
  }
  const tensor = source.loadNpy(npy);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const isFlat = tensor.shape.length === 1 && tensor.data.length === count;
  if (!isFlat && tensor.shape.join() !== shape.join()) {
    return refuse(
      'shape-mismatch',
      `${npy} has another shape than weights.shape`,
      `[${shape.join(', ')}]`,
      `[${tensor.shape.join(', ')}]`,
    );
  }
  return { values: weightsToCanonical(tensor.data, shape, layout), source: { kind: 'npy', path: npy } };
}

/** Translates a refusal of `makeSpec`, which speaks of NCHW and OIHW, into one that points into the config. */
function inConfig(
  error: CipherconvError,
  config: FilterConfig,
  weights: WeightSource,
  text: string,
  file: string,
): LocatedError {
  if (error instanceof LocatedError) return error;
  const { where, ...details } = error.details;
  const { path, label } = configPathOf(where, config, weights);
  const full = label === null ? details : { ...details, where: label };
  return new LocatedError(file, locate(text, path), full, { cause: error });
}
