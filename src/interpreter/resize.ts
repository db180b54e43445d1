import { elementCount } from '../../compiler/base/tensor.ts';
import { emptyArray } from './values.ts';
import type { DenseTensor } from './values.ts';
import { stridesOf } from './moves.ts';

/** Output elements that are input elements: one list of source positions per axis. */
export function picked(input: DenseTensor, positions: readonly Int32Array[]): DenseTensor {
  const shape = positions.map(({ length }) => length);
  const data = emptyArray(input.type, elementCount(shape));
  const steps = stridesOf(input.shape);
  const last = positions.length - 1;
  const columns = positions[last];
  if (columns === undefined) return { ...input, data: input.data.slice() };
  const at = new Array<number>(positions.length).fill(0);
  for (let index = 0; index < data.length; index += columns.length) {
    let line = 0;
    for (let axis = 0; axis < last; axis++) line += positions[axis]![at[axis]!]! * steps[axis]!;
    for (let column = 0; column < columns.length; column++)
      data[index + column] = input.data[line + columns[column]!]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      if (++at[axis]! < shape[axis]!) break;
      at[axis] = 0;
    }
  }
  return { type: input.type, shape, data };
}

export type NearestMode = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';
export type CoordinateMode = 'half_pixel' | 'asymmetric' | 'align_corners' | 'pytorch_half_pixel';

export interface NearestAxis {
  readonly size: number;
  readonly outputSize: number;
  /** outputSize / size, or what the model says, in float32. */
  readonly scale: number;
  readonly coordinates: CoordinateMode;
  readonly nearest: NearestMode;
}

/**
 * Source position of each output position on one axis. Coordinates are float32, as onnxruntime has them; ties of
 * `round_prefer_floor` go down, those of `round_prefer_ceil` up.
 */
export function nearestPositions({ size, outputSize, scale, coordinates, nearest }: NearestAxis): Int32Array {
  const round = Math.fround;
  const source = (cell: number): number => {
    switch (coordinates) {
      case 'asymmetric':
        return round(cell / scale);
      case 'align_corners':
        return outputSize === 1 ? 0 : round(round(cell * (size - 1)) / (outputSize - 1));
      case 'pytorch_half_pixel':
        return outputSize === 1 ? 0 : round(round((cell + 0.5) / scale) - 0.5);
      case 'half_pixel':
        return round(round((cell + 0.5) / scale) - 0.5);
    }
  };
  const whole = (position: number): number => {
    switch (nearest) {
      case 'floor':
        return Math.floor(position);
      case 'ceil':
        return Math.ceil(position);
      case 'round_prefer_floor':
        return Math.ceil(position - 0.5);
      case 'round_prefer_ceil':
        return Math.floor(position + 0.5);
    }
  };
  return Int32Array.from({ length: outputSize }, (_, cell) =>
    Math.min(size - 1, Math.max(0, whole(source(cell)))),
  );
}

export type PadMode = 'constant' | 'edge' | 'reflect' | 'wrap';

/** Source position of each padded position of one axis; -1 for what is filled. */
export function padPositions(size: number, before: number, after: number, mode: PadMode): Int32Array {
  return Int32Array.from({ length: size + before + after }, (_, cell) => {
    const position = cell - before;
    if (position >= 0 && position < size) return position;
    switch (mode) {
      case 'constant':
        return -1;
      case 'edge':
        return position < 0 ? 0 : size - 1;
      case 'wrap':
        return ((position % size) + size) % size;
      case 'reflect': {
        if (size === 1) return 0;
        const period = 2 * (size - 1);
        const within = ((position % period) + period) % period;
        return within < size ? within : period - within;
      }
    }
  });
}

/** As `picked`, where a position of -1 on any axis means the value `fill`. */
export function padded(input: DenseTensor, positions: readonly Int32Array[], fill: number): DenseTensor {
  if (!positions.some((list) => list.includes(-1))) return picked(input, positions);
  const inside = positions.map((list) => list.map((position) => Math.max(0, position)));
  const { data, shape, type } = picked(input, inside);
  const inner = stridesOf(shape);
  positions.forEach((list, axis) => {
    list.forEach((position, cell) => {
      if (position >= 0) return;
      const [step, extent] = [inner[axis]!, shape[axis]!];
      for (let from = cell * step; from < data.length; from += extent * step)
        data.fill(fill, from, from + step);
    });
  });
  return { type, shape, data };
}
