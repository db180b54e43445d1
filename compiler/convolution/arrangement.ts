import type { Tensor } from '../base/tensor.ts';
import type { OutputShape } from './shape.ts';
import { arrangePhases, phaseCountOf } from './transposed.ts';
import type { PhaseAxis, PhaseMap } from './transposed.ts';

/**
 * How a plane convolution's accumulators [batch, channels, height, width] lie in the output of what it was made from.
 * `same`: as they are. `slices`: `count` channels in a row are the slices of one (see volume.ts). `phases`: channels are
 * phases of a transposed convolution (see transposed.ts).
 */
export type OutputArrangement =
  | {
      /** The accumulators are the output. */
      readonly kind: 'same';
    }
  | {
      /** Channels are slices of a volume: the output is [batch, channels / count, count, height, width]. */
      readonly kind: 'slices';
      /** Slices of one output channel. */
      readonly count: number;
    }
  | {
      /** Channels are phases of a transposed convolution. */
      readonly kind: 'phases';
      /** Where the outputs lie among the phases. */
      readonly map: PhaseMap;
    };

/** [batch, channels, ...extents] of what `arrangeOutput` returns. */
export function arrangedShape(arrangement: OutputArrangement, output: OutputShape): readonly number[] {
  const { batch, channels, height, width } = output;
  switch (arrangement.kind) {
    case 'same':
      return [batch, channels, height, width];
    case 'slices':
      return [batch, channels / arrangement.count, arrangement.count, height, width];
    case 'phases': {
      const { rows, columns } = arrangement.map;
      return [batch, channels / (phaseCountOf(rows) * phaseCountOf(columns)), rows.size, columns.size];
    }
  }
}

/**
 * The accumulators as an output [batch, channels, ...extents].
 * @param accumulators NCHW
 * @param bias of the plane convolution
 */
export function arrangeOutput(
  arrangement: OutputArrangement,
  accumulators: Tensor,
  bias: readonly number[],
): Tensor {
  switch (arrangement.kind) {
    case 'same':
      return accumulators;
    case 'slices': {
      const [batch = 1, channels = 1, ...extents] = accumulators.shape;
      const { count } = arrangement;
      return { shape: [batch, channels / count, count, ...extents], data: accumulators.data };
    }
    case 'phases':
      return arrangePhases(arrangement.map, accumulators, bias);
  }
}

/** What is wrong with an arrangement that comes from outside, or null. */
export function arrangementFault(arrangement: OutputArrangement, output: OutputShape): string | null {
  switch (arrangement.kind) {
    case 'same':
      return null;
    case 'slices':
      return output.channels % arrangement.count === 0 ? null : 'its channels do not split into slices';
    case 'phases': {
      const { rows, columns } = arrangement.map;
      const fault = axisFault(rows, output.height) ?? axisFault(columns, output.width);
      if (fault !== null) return fault;
      const phases = phaseCountOf(rows) * phaseCountOf(columns);
      return output.channels % phases === 0 ? null : 'its channels do not split into phases';
    }
  }
}

function axisFault({ size, offset, phases }: PhaseAxis, extent: number): string | null {
  const kept = phases.filter((phase) => phase !== null).toSorted((left, right) => left - right);
  if (kept.length === 0 || kept.some((phase, index) => phase !== index)) return 'its phases have gaps';
  return Math.floor((size - 1 + offset) / phases.length) < extent ? null : 'its phases end too early';
}
