import type { IntegerLayer, IntegerNetwork } from './integerNetwork.ts';
import type { PoolStage, Stage } from './stages.ts';

/**
 * A trained network as what it computes between two squares: one linear map each, row by row, pools put into the map behind
 * them. What proofs look at.
 */
export interface LinearMap {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Where each row begins among `columns` and `weights`; one more entry says where the last one ends. */
  readonly starts: number[];
  readonly columns: number[];
  readonly weights: number[];
  /** One a row. */
  readonly bias: number[];
}

/** The maps of a network, in order. */
export function linearMaps({ layers }: IntegerNetwork): LinearMap[] {
  return layers.map((layer, index) => {
    const map = layer.stage.linear.layer.kind === 'dense' ? denseMap(layer) : convolutionMap(layer);
    const before = layers[index - 1]?.stage;
    return before?.pool ? behindPool(map, before, before.pool) : map;
  });
}

interface Rows {
  readonly starts: number[];
  readonly columns: number[];
  readonly weights: number[];
}

function emptyRows(): Rows {
  return { starts: [0], columns: [], weights: [] };
}

function endRow({ starts, columns }: Rows): void {
  starts.push(columns.length);
}

function denseMap({ stage, weights, bias }: IntegerLayer): LinearMap {
  const { name, input, output } = stage.linear;
  const inputs = input.channels * input.height * input.width;
  const rows = emptyRows();
  for (let row = 0; row < output.channels; row++) {
    for (let column = 0; column < inputs; column++) {
      rows.columns.push(column);
      rows.weights.push(weights[row * inputs + column]!);
    }
    endRow(rows);
  }
  return { name, inputs, outputs: output.channels, ...rows, bias: [...bias] };
}

function convolutionMap({ stage, weights, bias }: IntegerLayer): LinearMap {
  const { name, input, output, layer } = stage.linear;
  if (layer.kind !== 'convolution') return denseMap({ stage, weights, bias });
  const [height, width] = layer.kernel;
  const taps = input.channels * height * width;
  const cells = output.height * output.width;
  const rows = emptyRows();
  for (let index = 0; index < output.channels * cells; index++) {
    const [map, cell] = [Math.floor(index / cells), index % cells];
    const top = Math.floor(cell / output.width) * layer.strides[0] - layer.pads[0];
    const left = (cell % output.width) * layer.strides[1] - layer.pads[1];
    for (let tap = 0; tap < taps; tap++) {
      const row = top + (Math.floor(tap / width) % height);
      const column = left + (tap % width);
      if (row < 0 || column < 0 || row >= input.height || column >= input.width) continue;
      const channel = Math.floor(tap / (height * width));
      rows.columns.push((channel * input.height + row) * input.width + column);
      rows.weights.push(weights[map * taps + tap]!);
    }
    endRow(rows);
  }
  const inputs = input.channels * input.height * input.width;
  const biases = Array.from(
    { length: output.channels * cells },
    (_, index) => bias[Math.floor(index / cells)]!,
  );
  return { name, inputs, outputs: output.channels * cells, ...rows, bias: biases };
}

/** A map of pooled values as a map of what was pooled: a value in several windows keeps an entry for each. */
function behindPool(map: LinearMap, { linear }: Stage, { kernel, strides, output }: PoolStage): LinearMap {
  const before = linear.output;
  const rows = emptyRows();
  for (let row = 0; row < map.outputs; row++) {
    const merged = new Map<number, number>();
    for (let index = map.starts[row]!; index < map.starts[row + 1]!; index++) {
      const pooled = map.columns[index]!;
      const channel = Math.floor(pooled / (output.height * output.width));
      const cell = pooled % (output.height * output.width);
      const top = Math.floor(cell / output.width) * strides[0];
      const left = (cell % output.width) * strides[1];
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const at = top + Math.floor(tap / kernel[1]);
        const column = (channel * before.height + at) * before.width + left + (tap % kernel[1]);
        merged.set(column, (merged.get(column) ?? 0) + map.weights[index]!);
      }
    }
    for (const [column, weight] of merged) {
      rows.columns.push(column);
      rows.weights.push(weight);
    }
    endRow(rows);
  }
  return { ...map, inputs: before.channels * before.height * before.width, ...rows };
}
