import type { Degree } from '../bfv/security.ts';
import { outputShape } from '../convolution/shape.ts';
import type { ConvShape } from '../convolution/shape.ts';
import { reject } from '../base/reject.ts';

/**
 * The diagonals packing: which tensor element sits in which slot of which ciphertext. A ciphertext is two slot rows of
 * L = N/2; all slot rows of all ciphertexts are counted through, slot row 2c + r being row r of ciphertext c. A plane is
 * one channel of one image, laid out with row pitch R on both sides:
 *
 *     input   (image n, channel c, row y, column x)  ->  plane c*batch + n, address y*R + x
 *     output  (image n, channel o, row i, column j)  ->  plane o*batch + n, address (i*strideY)*R + j*strideX
 *
 * Outputs stay where their window starts, so output minus input address of a tap is the same everywhere, whatever
 * the stride: one diagonal a tap. `planesPerRow` planes stand in a slot row, `planePitch` apart; a plane longer than L
 * takes several slot rows, its addresses cut at multiples of L. Channels come before images so that all images of a
 * batch share the shifts between input and output channels.
 *
 * Where all input planes fit into one slot row they are repeated, with period `period`, through both rows of the one
 * input ciphertext: every output then finds each channel in its own slot row, at most `period` planes away.
 */
export interface DiagonalsPacking {
  /** R, in slots. */
  readonly rowPitch: number;
  /** Slots from one plane of a slot row to the next. */
  readonly planePitch: number;
  /** Planes that stand in one slot row; without effect where a plane takes several slot rows. */
  readonly planesPerRow: number;
  /** Planes after which the inputs repeat; null: every input stands once. */
  readonly period: number | null;
  /** Which rotations make a rotation by any distance. */
  readonly steps: RotationSteps;
}

/**
 * Which rotations make a rotation by d, L being the length of a slot row:
 * - rotate-inputs: every input is rotated by every d, then multiplied (naive);
 * - rotate-results: products are summed for every d and then rotated (naive);
 * - baby-giant: d = baby + giant with baby = origin + ((d - origin) mod L) mod size. Inputs are rotated by the babies,
 *   sums of products by the giants.
 */
export type RotationSteps =
  | {
      /** Inputs are rotated, then multiplied. */
      readonly kind: 'rotate-inputs';
    }
  | {
      /** Sums of products are rotated. */
      readonly kind: 'rotate-results';
    }
  | {
      /** Both: inputs by the babies, sums of products by the giants. */
      readonly kind: 'baby-giant';
      /** The smallest baby, in slots. */
      readonly origin: number;
      /** How many babies there may be: baby - origin lies in [0, size). */
      readonly size: number;
    };

/** The part of the packing that places elements. */
export interface SlotLayout extends Omit<DiagonalsPacking, 'steps'> {
  /** N. */
  readonly degree: Degree;
}

/** Length of a slot row. */
export function rowLength(degree: number): number {
  return degree / 2;
}

/** Smallest row pitch that keeps the columns of one row apart, of inputs and of outputs. */
export function slotRowPitch(shape: ConvShape): number {
  return Math.max(shape.input.width, (outputShape(shape).width - 1) * shape.strides[1] + 1);
}

/** Addresses that a plane takes, the longer of input and output. */
export function planeLength(shape: ConvShape, rowPitch: number): number {
  const { input, strides } = shape;
  const output = outputShape(shape);
  const lastOutput = (output.height - 1) * strides[0] * rowPitch + (output.width - 1) * strides[1];
  return Math.max((input.height - 1) * rowPitch + input.width, lastOutput + 1);
}

/** What follows from shape and layout. */
export interface SlotGeometry {
  readonly shape: ConvShape;
  readonly layout: SlotLayout;
  /** L. */
  readonly length: number;
  /** Slot rows that one plane takes; where it is 1, several planes may share a slot row. */
  readonly rowsPerPlane: number;
  readonly inputCiphertexts: number;
  readonly resultCiphertexts: number;
}

/**
 * Everything that places elements. A layout may come from a foreign plan, so it is checked before anything is as large as
 * it says.
 * @throws CipherconvError `plan-rejected`
 */
export function slotGeometry(shape: ConvShape, layout: SlotLayout): SlotGeometry {
  const length = rowLength(layout.degree);
  const rowPitch = slotRowPitch(shape);
  if (layout.rowPitch !== rowPitch)
    reject('packing.rowPitch', 'not that of the shape', String(rowPitch), String(layout.rowPitch));
  const rowsPerPlane = Math.ceil(planeLength(shape, rowPitch) / length);
  if (rowsPerPlane === 1) checkSharedRow(shape, layout, length);
  else if (layout.period !== null)
    reject('packing.period', 'planes of several slot rows are not repeated', 'null', String(layout.period));
  const ciphertexts = (planes: number): number =>
    Math.ceil((rowsPerPlane > 1 ? planes * rowsPerPlane : Math.ceil(planes / layout.planesPerRow)) / 2);
  const { batch, channels } = shape.input;
  return {
    shape,
    layout,
    length,
    rowsPerPlane,
    inputCiphertexts: layout.period !== null ? 1 : ciphertexts(batch * channels),
    resultCiphertexts: ciphertexts(batch * shape.weights.outChannels),
  };
}

/** Planes do not overlap, fit into the slot row, and repeat only where all fit. */
function checkSharedRow(shape: ConvShape, layout: SlotLayout, length: number): void {
  const { planePitch, planesPerRow, period } = layout;
  const planeSize = planeLength(shape, layout.rowPitch);
  const end = (planesPerRow - 1) * planePitch + planeSize;
  if (!(planesPerRow >= 1 && planePitch >= planeSize && end <= length))
    reject('packing', 'planes overlap or leave the slot row', `within ${length} slots`, String(end));
  const planes = shape.input.batch * shape.input.channels;
  if (period !== null && !(period >= planes && period <= planesPerRow))
    reject('packing.period', 'inputs cannot repeat', `null, or ${planes} to ${planesPerRow}`, String(period));
}

/** Slot of address 0 of the plane at `position`, counted through all ciphertexts; address A then is A slots further on. */
export function planeStart({ layout, length, rowsPerPlane }: SlotGeometry, position: number): number {
  if (rowsPerPlane > 1) return position * rowsPerPlane * length;
  const { planesPerRow, planePitch } = layout;
  return Math.floor(position / planesPerRow) * length + (position % planesPerRow) * planePitch;
}

/**
 * Position of the input plane number `input` that the output plane at position `output` reads: the only one there is, or
 * of its copies in the output's slot row the first that follows, the last one before where none does.
 */
export function sourcePosition({ layout, length }: SlotGeometry, output: number, input: number): number {
  const { period, planesPerRow, planePitch } = layout;
  if (period === null) return input;
  const inRow = output % planesPerRow;
  const firstOfRow = (Math.floor(output / planesPerRow) % 2) * planesPerRow;
  const position = inRow + ((input - (inRow % period) + period) % period);
  if (position < planesPerRow) return firstOfRow + position;
  // Where copies fill the slot row to its very end, rotation leads on to its beginning.
  const cyclic = planesPerRow % period === 0 && planesPerRow * planePitch === length;
  return firstOfRow + position - (cyclic ? planesPerRow : period);
}

/** Which tensor elements sit in which slots of one ciphertext: `elements[i]` (flat NCHW) in `slots[i]`, below N. */
export interface SlotPlacement {
  readonly slots: Int32Array;
  readonly elements: Int32Array;
}

class PlacementLists {
  readonly #degree: number;
  readonly #slots: number[][];
  readonly #elements: number[][];

  constructor(degree: number, ciphertexts: number) {
    this.#degree = degree;
    this.#slots = Array.from({ length: ciphertexts }, () => []);
    this.#elements = Array.from({ length: ciphertexts }, () => []);
  }

  put(place: number, element: number): void {
    const ciphertext = Math.floor(place / this.#degree);
    this.#slots[ciphertext]!.push(place % this.#degree);
    this.#elements[ciphertext]!.push(element);
  }

  build(): SlotPlacement[] {
    return this.#slots.map((slots, index) => ({
      slots: Int32Array.from(slots),
      elements: Int32Array.from(this.#elements[index]!),
    }));
  }
}

/** Input elements in the slots of every input ciphertext. An element may stand in several slots. */
export function inputSlots(geometry: SlotGeometry): SlotPlacement[] {
  const { shape, layout } = geometry;
  const { batch, channels, height, width } = shape.input;
  const lists = new PlacementLists(layout.degree, geometry.inputCiphertexts);
  const planes = batch * channels;
  const positions = layout.period === null ? planes : 2 * layout.planesPerRow;
  for (let position = 0; position < positions; position++) {
    const plane = layout.period === null ? position : (position % layout.planesPerRow) % layout.period;
    if (plane >= planes) continue;
    const first = ((plane % batch) * channels + Math.floor(plane / batch)) * height * width;
    const start = planeStart(geometry, position);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) lists.put(start + y * layout.rowPitch + x, first + y * width + x);
    }
  }
  return lists.build();
}

/** Output cells in the slots of every result ciphertext, each exactly once. */
export function resultSlots(geometry: SlotGeometry): SlotPlacement[] {
  const { shape, layout } = geometry;
  const { batch, channels, height, width } = outputShape(shape);
  const [strideY, strideX] = shape.strides;
  const lists = new PlacementLists(layout.degree, geometry.resultCiphertexts);
  for (let plane = 0; plane < batch * channels; plane++) {
    const first = ((plane % batch) * channels + Math.floor(plane / batch)) * height * width;
    const start = planeStart(geometry, plane);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++)
        lists.put(start + i * strideY * layout.rowPitch + j * strideX, first + i * width + j);
    }
  }
  return lists.build();
}

/** A rotation by d, split into what the input is rotated by and what the sum of products is; all in [0, L). */
export interface SplitStep {
  readonly baby: number;
  readonly giant: number;
}

export function splitStep(steps: RotationSteps, step: number, length: number): SplitStep {
  switch (steps.kind) {
    case 'rotate-inputs':
      return { baby: step, giant: 0 };
    case 'rotate-results':
      return { baby: 0, giant: step };
    case 'baby-giant': {
      const distance = (step - steps.origin + length) % length;
      const rest = distance % steps.size;
      return { baby: (steps.origin + rest) % length, giant: distance - rest };
    }
    default:
      return steps satisfies never;
  }
}
