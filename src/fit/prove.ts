import { proveNetwork } from '../../compiler/network/prove.ts';
import type { NetworkProof } from '../../compiler/network/prove.ts';
import { UNSCALED } from '../../compiler/network/spec.ts';
import type { LinearStage, NetworkSpec } from '../../compiler/network/spec.ts';
import { convolutionStage, denseStage } from '../../compiler/network/stages.ts';
import type { IntegerLayer, IntegerNetwork } from './integerNetwork.ts';
import { countOf } from './stages.ts';
import type { PoolStage, Stage } from './stages.ts';

/** What is certain of a trained network over all inputs: the compiler's own analysis. */
export function proveTrained(network: IntegerNetwork): NetworkProof {
  return proveNetwork(networkSpec(network));
}

/** A trained network as the compiler sees it: one linear map between two squares, pools put into the map behind them. */
export function networkSpec({ name, input, layers }: IntegerNetwork): NetworkSpec {
  const stages = layers.map((layer, index) => {
    const map = linearMap(layer);
    const before = layers[index - 1]?.stage;
    return before === undefined || before.pool === null ? map : behindPool(map, before, before.pool);
  });
  return {
    name,
    input: { shape: input.shape, range: { lo: 0, hi: input.levels - 1 } },
    stages,
    output: { shape: [stages.at(-1)?.outputs ?? 0], scale: UNSCALED },
  };
}

function linearMap({ stage, weights, bias }: IntegerLayer): LinearStage {
  const { name, input, output, layer } = stage.linear;
  if (layer.kind === 'dense') return denseStage(name, countOf(input), weights, bias);
  const { kernel, strides, pads } = layer;
  const shape = [input.channels, input.height, input.width] as const;
  return convolutionStage(name, { shape, outputs: output.channels, kernel, strides, pads }, weights, bias);
}

/** A map of pooled sums as a map of what was summed. */
function behindPool(
  map: LinearStage,
  { linear }: Stage,
  { kernel, strides, output }: PoolStage,
): LinearStage {
  const before = linear.output;
  const starts = [0];
  const columns: number[] = [];
  const weights: number[] = [];
  for (let row = 0; row < map.outputs; row++) {
    const merged = new Map<number, number>();
    for (let index = map.starts[row]!; index < map.starts[row + 1]!; index++) {
      const pooled = map.columns[index]!;
      const channel = Math.floor(pooled / (output.height * output.width));
      const cell = pooled % (output.height * output.width);
      const top = Math.floor(cell / output.width) * strides[0];
      const left = (cell % output.width) * strides[1];
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const line = channel * before.height + top + Math.floor(tap / kernel[1]);
        const column = line * before.width + left + (tap % kernel[1]);
        merged.set(column, (merged.get(column) ?? 0) + map.weights[index]!);
      }
    }
    columns.push(...merged.keys());
    weights.push(...merged.values());
    starts.push(columns.length);
  }
  return { ...map, inputs: countOf(before), starts, columns, weights };
}
