import type { MatrixExports, WindowArguments } from '../../runtime/training/module.ts';
import type { ConvolutionLayer } from './architectureSchema.ts';
import { featuresOf, lengthOf } from './features.ts';
import type { Features } from './features.ts';
import type { Arena, Floats } from './memory.ts';
import { learned, makeWeights } from './parameters.ts';
import type { Learned, Weights } from './parameters.ts';
import type { LinearStage } from './stages.ts';

/** What a layer reads: values of a whole batch, [picture, features]. */
export interface LayerInput {
  readonly floats: Floats;
  readonly features: Features;
}

/** What the layers of one network share. */
export interface Machine {
  readonly kernel: MatrixExports;
  readonly arena: Arena;
  /** Pictures at once, at most. */
  readonly batch: number;
}

/** A linear layer in training: values of a whole batch, forward and backward. */
export interface TrainedLayer {
  readonly stage: LinearStage;
  readonly weights: Weights;
  readonly bias: Learned;
  /** Biases as integers, added in the forward pass; zeros for the last layer, whose bias the loss adds. */
  readonly offsets: Float64Array;
  readonly inputs: Features;
  readonly outputs: Features;
  /** [picture, outputs]; values behind `slopes` are of the same layout. */
  readonly values: Floats;
  readonly slopes: Floats;
  /** Takes one picture's values; `forward` goes over all of them. */
  readonly forward: (count: number) => void;
  /** From `slopes` to the slopes of weights and biases. */
  readonly backward: (count: number) => void;
  /** From `slopes` to the slopes of the inputs, in `to`, which has their layout. */
  readonly backwardInputs: (count: number, to: Floats) => void;
}

/** @param input what the layer reads */
export function makeDense(machine: Machine, stage: LinearStage, input: LayerInput): TrainedLayer {
  const { kernel, arena, batch } = machine;
  const { features, floats: inputs } = input;
  const length = lengthOf(features);
  const rows = stage.output.channels;
  const outputs = featuresOf(stage.output);
  const pitch = lengthOf(outputs);
  const weights = makeWeights(arena, rows, length);
  const bias = learned(arena, rows);
  const values = arena.floats(batch * pitch);
  const slopes = arena.floats(batch * pitch);
  const offsets = new Float64Array(rows);
  return {
    stage,
    weights,
    bias,
    offsets,
    inputs: features,
    outputs,
    values,
    slopes,
    forward: (count) => {
      for (let picture = 0; picture < count; picture++) values.numbers.set(offsets, picture * pitch);
      const { address } = weights.integers;
      const [wide, narrow] = [length * 4, pitch * 4];
      kernel.inner(inputs.address, wide, address, wide, values.address, narrow, count, length, rows);
    },
    backward: (count) => {
      const target = weights.latent.slopes;
      target.numbers.fill(0);
      const [wide, narrow] = [length * 4, pitch * 4];
      kernel.outer(
        slopes.address,
        4,
        narrow,
        inputs.address,
        wide,
        target.address,
        wide,
        rows,
        count,
        length,
      );
      addColumns(slopes.numbers, count, outputs, bias.slopes.numbers);
    },
    backwardInputs: (count, to) => {
      to.numbers.fill(0, 0, count * length);
      const [wide, narrow] = [length * 4, pitch * 4];
      const { address } = weights.integers;
      kernel.outer(slopes.address, narrow, 4, address, wide, to.address, wide, count, rows, length);
    },
  };
}

/** Sums of slopes over pictures and positions, one per bias. */
function addColumns(slopes: Float32Array, count: number, outputs: Features, to: Float32Array): void {
  to.fill(0);
  const { groups, used, pitch } = outputs;
  const isDense = groups === 1;
  for (let picture = 0; picture < count; picture++) {
    for (let group = 0; group < groups; group++) {
      const first = (picture * groups + group) * pitch;
      for (let index = 0; index < used; index++) to[isDense ? index : group]! += slopes[first + index]!;
    }
  }
}

/** @param input what the layer reads; null for the first layer, whose windows are filled with `unfoldPicture` */
export function makeConvolution(
  machine: Machine,
  stage: LinearStage & { readonly layer: ConvolutionLayer },
  input: LayerInput | null,
): TrainedLayer & { readonly picture: Floats; readonly unfoldPicture: (index: number) => void } {
  const { kernel, arena, batch } = machine;
  const features = input?.features ?? featuresOf(stage.input);
  const inputs = input?.floats ?? null;
  const outputs = groupedFeatures(stage);
  const { layer } = stage;
  const taps = stage.input.channels * layer.kernel[0] * layer.kernel[1];
  const { pitch } = outputs;
  const size = lengthOf(outputs);
  const weights = makeWeights(arena, layer.maps, taps);
  const { length } = weights;
  const bias = learned(arena, layer.maps);
  const frame = frameOf(stage);
  const picture = arena.floats(frame.size);
  const windows = arena.floats(batch * taps * pitch);
  const windowSlopes = arena.floats(inputs === null ? 0 : taps * pitch);
  const values = arena.floats(batch * size);
  const slopes = arena.floats(batch * size);
  const offsets = new Float64Array(layer.maps);
  const windowsOf = (index: number): number => windows.address + index * taps * pitch * 4;
  const unfoldPicture = (index: number): void => {
    kernel.unfold(picture.address, windowsOf(index), pitch * 4, ...frame.window);
  };
  const rowBytes = length * 4;
  const pitchBytes = pitch * 4;
  return {
    stage,
    weights,
    bias,
    offsets,
    inputs: features,
    outputs,
    values,
    slopes,
    picture,
    unfoldPicture,
    forward: (count) => {
      for (let index = 0; index < count; index++) {
        if (inputs !== null) {
          copyIn(inputs.numbers, index * lengthOf(features), features, stage, picture.numbers);
          unfoldPicture(index);
        }
        fillOffsets(values.numbers, index * size, outputs, offsets);
        const to = values.address + index * size * 4;
        const { address } = weights.integers;
        kernel.outer(
          address,
          rowBytes,
          4,
          windowsOf(index),
          pitchBytes,
          to,
          pitchBytes,
          layer.maps,
          taps,
          pitch,
        );
      }
    },
    backward: (count) => {
      const target = weights.latent.slopes;
      target.numbers.fill(0);
      for (let index = 0; index < count; index++) {
        const from = slopes.address + index * size * 4;
        const to = target.address;
        kernel.inner(from, pitchBytes, windowsOf(index), pitchBytes, to, rowBytes, layer.maps, pitch, taps);
      }
      addColumns(slopes.numbers, count, outputs, bias.slopes.numbers);
    },
    backwardInputs: (count, to) => {
      for (let index = 0; index < count; index++) {
        windowSlopes.numbers.fill(0);
        picture.numbers.fill(0);
        const from = slopes.address + index * size * 4;
        const { address } = weights.integers;
        const target = windowSlopes.address;
        kernel.outer(address, 4, rowBytes, from, pitchBytes, target, pitchBytes, taps, layer.maps, pitch);
        kernel.fold(target, pitchBytes, picture.address, ...frame.window);
        copyOut(picture.numbers, stage, to.numbers, index * lengthOf(features), features);
      }
    },
  };
}

/** A group a map, also where there is one position only. */
function groupedFeatures({ output }: LinearStage): Features {
  const pixels = output.height * output.width;
  return pixels === 1 ? { groups: output.channels, used: 1, pitch: 4 } : featuresOf(output);
}

/** The padded picture that a convolution's windows lie in. */
function frameOf(stage: LinearStage & { readonly layer: ConvolutionLayer }): {
  readonly size: number;
  readonly window: WindowArguments;
} {
  const { input, output, layer } = stage;
  const [top, left, bottom, right] = layer.pads;
  const [height, width] = [input.height + top + bottom, input.width + left + right];
  const size = input.channels * height * width;
  const window: WindowArguments = [
    input.channels,
    height,
    width,
    ...layer.kernel,
    ...layer.strides,
    output.height,
    output.width,
  ];
  return { size, window };
}

function fillOffsets(
  values: Float32Array,
  first: number,
  { groups, used, pitch }: Features,
  offsets: Float64Array,
): void {
  values.fill(0, first, first + groups * pitch);
  for (let group = 0; group < groups; group++) {
    const start = first + group * pitch;
    values.fill(offsets[group]!, start, start + used);
  }
}

type Convolution = LinearStage & { readonly layer: ConvolutionLayer };

/** Calls with the places of every row of pixels: in the padded picture, and among the features. */
function eachRow(
  { input, layer }: Convolution,
  { pitch, groups }: Features,
  visit: (inPicture: number, inFeatures: number) => void,
): void {
  const [top, left, bottom, right] = layer.pads;
  const width = input.width + left + right;
  const height = input.height + top + bottom;
  // The outputs of a dense layer are channels of one pixel, side by side.
  const channelPitch = groups === 1 && input.channels > 1 ? 1 : pitch;
  for (let channel = 0; channel < input.channels; channel++) {
    for (let row = 0; row < input.height; row++) {
      visit((channel * height + top + row) * width + left, channel * channelPitch + row * input.width);
    }
  }
}

function copyIn(
  from: Float32Array,
  first: number,
  features: Features,
  stage: Convolution,
  picture: Float32Array,
): void {
  picture.fill(0);
  eachRow(stage, features, (inPicture, inFeatures) => {
    const start = first + inFeatures;
    picture.set(from.subarray(start, start + stage.input.width), inPicture);
  });
}

function copyOut(
  picture: Float32Array,
  stage: Convolution,
  to: Float32Array,
  first: number,
  features: Features,
): void {
  eachRow(stage, features, (inPicture, inFeatures) => {
    to.set(picture.subarray(inPicture, inPicture + stage.input.width), first + inFeatures);
  });
}
