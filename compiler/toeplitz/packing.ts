import { internalError } from '../base/errors.ts';
import { outputShape } from '../convolution/shape.ts';
import type { ConvShape } from '../convolution/shape.ts';

/**
 * The toeplitz packing: which tensor element sits in which coefficient of which ciphertext. A polynomial product
 * modulo X^N + 1 is a negacyclic Toeplitz matrix times a vector, so with row pitch R, channel pitch P and Cw channels
 * in a ciphertext (all in coefficients):
 *
 *     input   (block b, channel c, row v, column h)  ->  (b*Cw + c)*P + v*R + h
 *     weight  (output o, channel c, offset (y, x))   ->  (o*blocks + 1)*Cw*P - (c+1)*P + (reachY-y)*R + (reachX-x)
 *     output  (block b, output o, row i, column j)   ->  (o*blocks + b + 1)*Cw*P - P + (i*step+reachY)*R + j*step+reachX
 *
 * all shifted so that the first encoded element of the first block is coefficient 0. A block is one tile of one image.
 * A stride s is either taken by space-to-depth (s phases of the axis become channels of a stride-1 convolution) or
 * directly (every s-th output is read).
 */
export interface ToeplitzPacking {
  /** Space-to-depth factor of each axis: 1, or the stride. */
  readonly phaseFactors: {
    /** Factor of the rows: 1, or the vertical stride. */
    readonly rows: number;
    /** Factor of the columns: 1, or the horizontal stride. */
    readonly columns: number;
  };
  /** Output rows and columns of one tile; the last tile of an axis may be smaller. */
  readonly tile: {
    /** Output rows of a tile. */
    readonly height: number;
    /** Output columns of a tile. */
    readonly width: number;
  };
  /** R: coefficients from one row of a phase channel to the next. */
  readonly rowPitch: number;
  /** P: coefficients from one phase channel to the next. */
  readonly channelPitch: number;
  /** Cw: phase channels of a block that share an input ciphertext. */
  readonly channelsPerCiphertext: number;
  /** Blocks that share an input ciphertext. */
  readonly blocksPerCiphertext: number;
  /** Output channels that share a weight polynomial, and so a result ciphertext. */
  readonly outputsPerProduct: number;
}

/** Where one kernel tap of an axis lands after space-to-depth: phase `phase`, `offset` positions into it. */
interface PhasedTap {
  readonly tap: number;
  readonly phase: number;
  readonly offset: number;
}

/** One axis (rows or columns) of the packing, in the coordinates of one phase of the padded input. */
export interface AxisLayout {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly pad: number;
  readonly factor: number;
  readonly stride: number;
  /** Distance of neighbouring outputs in phase coordinates: stride / factor. */
  readonly step: number;
  /** Taps that fall on the image for some output; the others never multiply anything. */
  readonly taps: readonly PhasedTap[];
  /** Phases that some tap reads, ascending; [0] when there is no such tap. */
  readonly phases: readonly number[];
  /** Largest offset of a tap. */
  readonly reach: number;
  readonly tileSize: number;
  readonly tileCount: number;
  /** Smallest encoded phase coordinate over all tiles, relative to the tile, at most `reach`. */
  readonly origin: number;
  /** Largest distance that a pitch must keep apart: the alias condition of `pitches`. */
  readonly span: number;
}

/** Phase coordinates [first, last] (relative to the tile) that tile `tile` reads of phase `phase`; empty if first > last. */
export function encodedSpan(axis: AxisLayout, tile: number, phase: number): { first: number; last: number } {
  const start = tile * axis.tileSize;
  const outputs = Math.min(axis.tileSize, axis.outputSize - start);
  const firstOnImage = Math.ceil((axis.pad - phase) / axis.factor) - start * axis.step;
  const lastOnImage = Math.floor((axis.pad + axis.inputSize - 1 - phase) / axis.factor) - start * axis.step;
  return {
    first: Math.max(0, firstOnImage),
    last: Math.min((outputs - 1) * axis.step + axis.reach, lastOnImage),
  };
}

/** Image row (or column) of phase coordinate `coordinate` of tile `tile`. */
export function imagePosition(axis: AxisLayout, tile: number, phase: number, coordinate: number): number {
  return (tile * axis.tileSize * axis.step + coordinate) * axis.factor + phase - axis.pad;
}

export interface AxisShape {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly pad: number;
  readonly kernel: number;
  readonly dilation: number;
  readonly stride: number;
}

export function axisShapes(shape: ConvShape): { rows: AxisShape; columns: AxisShape } {
  const output = outputShape(shape);
  const { input, weights, pads, dilations, strides } = shape;
  return {
    rows: {
      inputSize: input.height,
      outputSize: output.height,
      pad: pads[0],
      kernel: weights.kernelHeight,
      dilation: dilations[0],
      stride: strides[0],
    },
    columns: {
      inputSize: input.width,
      outputSize: output.width,
      pad: pads[1],
      kernel: weights.kernelWidth,
      dilation: dilations[1],
      stride: strides[1],
    },
  };
}

/** Whether some output position o has 0 <= o * stride - pad + tap * dilation < inputSize. */
function tapIsVisible({ inputSize, outputSize, pad, dilation, stride }: AxisShape, tap: number): boolean {
  const first = Math.max(0, Math.ceil((pad - tap * dilation) / stride));
  return first < outputSize && first * stride - pad + tap * dilation < inputSize;
}

/** Lays out one axis; `factor` is 1 or the stride, `tileSize` the outputs of one tile. */
export function axisLayout(shape: AxisShape, factor: number, tileSize: number): AxisLayout {
  if (shape.stride % factor !== 0)
    throw internalError(`phase factor ${factor} does not divide stride ${shape.stride}`);
  const step = shape.stride / factor;
  const taps = Array.from({ length: shape.kernel }, (_, tap) => ({
    tap,
    phase: (tap * shape.dilation) % factor,
    offset: Math.floor((tap * shape.dilation) / factor),
  })).filter(({ tap }) => tapIsVisible(shape, tap));
  const reach = taps.reduce((largest, { offset }) => Math.max(largest, offset), 0);
  const phases = taps.length === 0 ? [0] : [...new Set(taps.map((tap) => tap.phase))].sort((a, b) => a - b);
  const tileCount = Math.ceil(shape.outputSize / tileSize);
  const bare = { ...shape, factor, step, taps, phases, reach, tileSize, tileCount, origin: 0, span: 0 };
  let origin = reach;
  let last = 0;
  for (let tile = 0; tile < tileCount; tile++) {
    for (const phase of phases) {
      const encoded = encodedSpan(bare, tile, phase);
      if (encoded.first > encoded.last) continue;
      origin = Math.min(origin, encoded.first);
      last = Math.max(last, encoded.last);
    }
  }
  return { ...bare, origin, span: Math.max(last, reach + (tileSize - 1) * step - origin) };
}

/**
 * The smallest pitches without aliasing. A false contribution reaches output (i, j) from an encoded (v, h) through a
 * tap only if v - offset - i or h - offset - j is a non-zero multiple of the pitch; both lie in [-span, span], so
 * R = spanX + 1 and P = spanY * R + spanX + 1 exclude it, and N >= slots * P excludes the wrap at X^N = -1.
 * Units: coefficients.
 */
export function pitches(rows: AxisLayout, columns: AxisLayout): { rowPitch: number; channelPitch: number } {
  const rowPitch = columns.span + 1;
  return { rowPitch, channelPitch: rows.span * rowPitch + columns.span + 1 };
}

/** One channel of the convolution after space-to-depth. */
export interface PhaseChannel {
  readonly channel: number;
  readonly rowPhase: number;
  readonly columnPhase: number;
}

/** Everything that follows from the shape and the packing, shared by client and server; it knows no weight. */
export interface ToeplitzLayout {
  readonly packing: ToeplitzPacking;
  /** N. */
  readonly degree: number;
  readonly rows: AxisLayout;
  readonly columns: AxisLayout;
  /** Number of phase channels: channels x phases. */
  readonly phaseChannels: number;
  /** Tiles of all images of the batch. */
  readonly blocks: number;
  /** Ciphertexts are made in block groups: the same weights act on every group. */
  readonly blockGroups: number;
  /** Input ciphertexts of one block group. */
  readonly chunks: number;
  /** Result ciphertexts of one block group. */
  readonly resultRows: number;
}

export function toeplitzLayout(shape: ConvShape, packing: ToeplitzPacking, degree: number): ToeplitzLayout {
  const axes = axisShapes(shape);
  const rows = axisLayout(axes.rows, packing.phaseFactors.rows, packing.tile.height);
  const columns = axisLayout(axes.columns, packing.phaseFactors.columns, packing.tile.width);
  const phaseChannels = shape.input.channels * rows.phases.length * columns.phases.length;
  const blocks = shape.input.batch * rows.tileCount * columns.tileCount;
  return {
    packing,
    degree,
    rows,
    columns,
    phaseChannels,
    blocks,
    blockGroups: Math.ceil(blocks / packing.blocksPerCiphertext),
    chunks: Math.ceil(phaseChannels / packing.channelsPerCiphertext),
    resultRows: Math.ceil(shape.weights.outChannels / packing.outputsPerProduct),
  };
}

/** Phase channel number `index`: channel-major, then row phase, then column phase. */
export function phaseChannel(layout: ToeplitzLayout, index: number): PhaseChannel {
  const columnPhases = layout.columns.phases;
  const rowPhases = layout.rows.phases;
  const perChannel = rowPhases.length * columnPhases.length;
  const phase = index % perChannel;
  return {
    channel: Math.floor(index / perChannel),
    rowPhase: rowPhases[Math.floor(phase / columnPhases.length)]!,
    columnPhase: columnPhases[phase % columnPhases.length]!,
  };
}

/** Which image, tile row and tile column block number `block` is. */
export function blockPosition(
  layout: ToeplitzLayout,
  block: number,
): { image: number; tileRow: number; tileColumn: number } {
  const perImage = layout.rows.tileCount * layout.columns.tileCount;
  const tile = block % perImage;
  return {
    image: Math.floor(block / perImage),
    tileRow: Math.floor(tile / layout.columns.tileCount),
    tileColumn: tile % layout.columns.tileCount,
  };
}
