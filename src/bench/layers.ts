import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';

/** The benchmark layers: shapes of the literature with weights drawn from a fixed generator. */
export interface LayerShape {
  readonly id: string;
  /** Height and width of the square input. */
  readonly size: number;
  readonly channels: number;
  readonly kernel: number;
  readonly filters: number;
  readonly pad: number;
  readonly stride: number;
  readonly inputBits: number;
  readonly weightBits: number;
  readonly weightsSigned: boolean;
  readonly note: string;
}

const INT4 = { inputBits: 4, weightBits: 4, weightsSigned: true } as const;
const INT2 = { inputBits: 2, weightBits: 2, weightsSigned: false } as const;
const INT8 = { inputBits: 8, weightBits: 8, weightsSigned: true } as const;
const INT8X4 = { inputBits: 8, weightBits: 4, weightsSigned: true } as const;

export const LAYERS: readonly LayerShape[] = [
  {
    id: 'L1',
    size: 32,
    channels: 1,
    kernel: 3,
    filters: 1,
    pad: 1,
    stride: 1,
    ...INT2,
    note: '2-bit filter',
  },
  {
    id: 'L2',
    size: 28,
    channels: 1,
    kernel: 5,
    filters: 5,
    pad: 1,
    stride: 2,
    ...INT4,
    note: 'CryptoNets, LoLa',
  },
  {
    id: 'L3',
    size: 32,
    channels: 3,
    kernel: 5,
    filters: 4,
    pad: 0,
    stride: 1,
    ...INT8X4,
    note: '8-bit inputs',
  },
  { id: 'L4', size: 16, channels: 128, kernel: 1, filters: 128, pad: 0, stride: 1, ...INT4, note: 'Gazelle' },
  { id: 'L5', size: 16, channels: 128, kernel: 3, filters: 128, pad: 1, stride: 1, ...INT4, note: 'Gazelle' },
  { id: 'L6', size: 32, channels: 32, kernel: 3, filters: 32, pad: 1, stride: 1, ...INT4, note: 'Gazelle' },
  {
    id: 'L7',
    size: 56,
    channels: 64,
    kernel: 1,
    filters: 256,
    pad: 0,
    stride: 1,
    ...INT4,
    note: 'ResNet-50',
  },
  { id: 'L8', size: 56, channels: 64, kernel: 3, filters: 64, pad: 1, stride: 1, ...INT4, note: 'ResNet-50' },
  {
    id: 'L9',
    size: 224,
    channels: 3,
    kernel: 7,
    filters: 64,
    pad: 3,
    stride: 2,
    ...INT8X4,
    note: 'ResNet-50 stem',
  },
  {
    id: 'L10',
    size: 14,
    channels: 256,
    kernel: 3,
    filters: 256,
    pad: 1,
    stride: 1,
    ...INT8,
    note: 'ResNet-18, late',
  },
  {
    id: 'L11',
    size: 7,
    channels: 512,
    kernel: 3,
    filters: 512,
    pad: 1,
    stride: 1,
    ...INT8,
    note: 'ResNet-18, last',
  },
];

/** Uniform integers of `bits` bits: high bits of a linear congruential generator (Numerical Recipes). */
function drawWeights(count: number, bits: number, signed: boolean): number[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> (32 - bits)) - (signed ? 2 ** (bits - 1) : 0);
  });
}

/** The checked convolution of a layer. Deterministic. */
export function layerSpec(layer: LayerShape): ConvSpec {
  const { size, channels, kernel, filters, pad, stride } = layer;
  return makeSpec({
    name: layer.id,
    input: {
      batch: 1,
      channels,
      height: size,
      width: size,
      bits: layer.inputBits,
      signed: false,
      zeroPoint: 0,
      range: { lo: 0, hi: 2 ** layer.inputBits - 1 },
    },
    weights: {
      outChannels: filters,
      channelsPerGroup: channels,
      kernelHeight: kernel,
      kernelWidth: kernel,
      bits: layer.weightBits,
      signed: layer.weightsSigned,
      zeroPoints: new Array<number>(filters).fill(0),
      values: drawWeights(filters * channels * kernel * kernel, layer.weightBits, layer.weightsSigned),
    },
    bias: new Array<number>(filters).fill(0),
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [1, 1],
    group: 1,
    accumulator: null,
  });
}
