import { internalError } from '../../compiler/base/errors.ts';
import type { JsonPath } from '../frontend/positions.ts';
import type {
  Architecture,
  ArchitectureLayer,
  AveragePoolLayer,
  ConvolutionLayer,
  DenseLayer,
} from './architectureSchema.ts';

/** Extents of what lies between two layers. A dense layer's outputs are channels of one pixel. */
export interface Extents {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A convolution or a dense layer, with its extents. */
export interface LinearStage {
  /** For people: `convolution 1`, `dense 2`. */
  readonly name: string;
  readonly layer: ConvolutionLayer | DenseLayer;
  readonly input: Extents;
  readonly output: Extents;
}

/** Sums over windows of the squares; the means follow by a factor. */
export interface PoolStage {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly output: Extents;
}

/** A linear layer with what follows it: nothing after the last one, else a square and perhaps a pool. */
export interface Stage {
  readonly linear: LinearStage;
  readonly pool: PoolStage | null;
  readonly isLast: boolean;
  /** What the next stage gets. */
  readonly output: Extents;
}

/** What is wrong with the order or the extents of layers: said by the caller, who knows where it stands. */
interface ArchitectureFault {
  readonly path: JsonPath;
  readonly message: string;
  readonly expected: string;
  readonly found: string;
}

/** Told of the first fault; does not come back. */
export type RefuseArchitecture = (fault: ArchitectureFault) => never;

/** Values of one picture. */
export function countOf({ channels, height, width }: Extents): number {
  return channels * height * width;
}

/** Positions that a window takes along one axis; 0 where it does not fit. */
function positions(size: number, kernel: number, stride: number): number {
  return size < kernel ? 0 : Math.floor((size - kernel) / stride) + 1;
}

function convolved(input: Extents, layer: ConvolutionLayer): Extents {
  const [top, left, bottom, right] = layer.pads;
  return {
    channels: layer.maps,
    height: positions(input.height + top + bottom, layer.kernel[0], layer.strides[0]),
    width: positions(input.width + left + right, layer.kernel[1], layer.strides[1]),
  };
}

function pooled(input: Extents, { kernel, strides = kernel }: AveragePoolLayer): PoolStage {
  const height = positions(input.height, kernel[0], strides[0]);
  const width = positions(input.width, kernel[1], strides[1]);
  return { kernel, strides, output: { channels: input.channels, height, width } };
}

/**
 * The layers as stages.
 * @param refuse told where layers stand in an order, or have extents, that cannot be trained
 */
export function stagesOf({ input, layers }: Architecture, refuse: RefuseArchitecture): Stage[] {
  const [channels, height, width] = input.shape;
  const stages: Stage[] = [];
  let extents: Extents = { channels, height, width };
  let index = 0;
  const next = <K extends ArchitectureLayer['kind']>(kind: K): (ArchitectureLayer & { kind: K }) | null => {
    const layer = layers[index];
    if (layer?.kind !== kind) return null;
    index++;
    return layer as ArchitectureLayer & { kind: K };
  };
  const requireFit = ({ height: rows, width: columns }: Extents, before: Extents): void => {
    if (rows > 0 && columns > 0) return;
    refuse({
      path: ['layers', index - 1, 'kernel'],
      message: 'the window is larger than what it goes over',
      expected: `at most ${before.height} x ${before.width} and the pads`,
      found: JSON.stringify(layers[index - 1]),
    });
  };
  while (index < layers.length) {
    const layer = next('convolution') ?? next('dense');
    if (layer === null) return refuse(outOfOrder(layers, index, 'a convolution or a dense layer'));
    const linear = linearStage(layer, extents, stages.length + 1);
    requireFit(linear.output, extents);
    extents = linear.output;
    if (index === layers.length) {
      stages.push({ linear, pool: null, isLast: true, output: extents });
      break;
    }
    if (next('square') === null) refuse(outOfOrder(layers, index, 'a square'));
    const poolLayer = next('averagePool');
    const pool = poolLayer === null ? null : pooled(extents, poolLayer);
    if (pool !== null) {
      requireFit(pool.output, extents);
      extents = pool.output;
    }
    stages.push({ linear, pool, isLast: false, output: extents });
  }
  requireDenseEnd(layers, refuse);
  return stages;
}

function linearStage(layer: ConvolutionLayer | DenseLayer, input: Extents, number: number): LinearStage {
  const output =
    layer.kind === 'convolution' ? convolved(input, layer) : { channels: layer.outputs, height: 1, width: 1 };
  return { name: `${layer.kind} ${number}`, layer, input, output };
}

function outOfOrder(
  layers: readonly ArchitectureLayer[],
  index: number,
  expected: string,
): ArchitectureFault {
  return {
    path: ['layers', index],
    message: 'not supported yet: layers in this order',
    expected: `${expected} (linear layers with a square between each two; an average pool only after a square)`,
    found: layers[index]?.kind ?? 'nothing',
  };
}

function requireDenseEnd(layers: readonly ArchitectureLayer[], refuse: RefuseArchitecture): void {
  const last = layers.at(-1);
  if (last?.kind === 'dense') return;
  refuse({
    path: ['layers', layers.length - 1],
    message: 'the last layer gives no scores',
    expected: 'a dense layer with an output for each class',
    found: last?.kind ?? 'nothing',
  });
}

/** Outputs of the last layer. */
export function classCount(stages: readonly Stage[]): number {
  const last = stages.at(-1);
  if (last === undefined) throw internalError('a network without layers');
  return last.output.channels;
}
