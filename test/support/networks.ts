import { convolutionStage, denseStage } from '../../compiler/network/stages.ts';
import { UNSCALED } from '../../compiler/network/spec.ts';
import type { LinearStage, NetworkSpec } from '../../compiler/network/spec.ts';

/** Integers in [lo, hi], the same for the same seed. */
export function integersFrom(seed: number): (lo: number, hi: number) => number {
  let state = seed >>> 0;
  return (lo, hi) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return lo + (((mixed ^ (mixed >>> 14)) >>> 0) % (hi - lo + 1));
  };
}

function list(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

/** Weights of which not all are 0: a map of zeros is refused. */
function weightsFrom(count: number, next: () => number): number[] {
  const weights = list(count, next);
  return weights.some((weight) => weight !== 0) ? weights : weights.map(() => 1);
}

/** A network of a random convolution and random dense layers, small enough for one plain modulus or a few. */
export function randomNetwork(seed: number): NetworkSpec {
  const between = integersFrom(seed);
  const shape = [between(1, 2), between(4, 9), between(4, 9)] as const;
  const kernel = [between(1, 3), between(1, 4)] as const;
  const outputs = between(1, 4);
  const pads = [between(0, 1), between(0, 1), between(0, 1), between(0, 1)] as const;
  const geometry = { shape, outputs, kernel, strides: [between(1, 2), between(1, 2)] as const, pads };
  const first = convolutionStage(
    'conv',
    geometry,
    weightsFrom(outputs * shape[0] * kernel[0] * kernel[1], () => between(-3, 3)),
    list(outputs, () => between(-9, 9)),
  );
  const stages: LinearStage[] = [first];
  const hidden = between(0, 1);
  for (let layer = 0; layer <= hidden; layer++) {
    const inputs = stages.at(-1)!.outputs;
    const width = between(1, layer === hidden ? 10 : 40);
    const weights = weightsFrom(inputs * width, () => (between(0, 2) === 0 ? between(-2, 2) : 0));
    stages.push(
      denseStage(
        `dense ${layer}`,
        inputs,
        weights,
        list(width, () => between(-20, 20)),
      ),
    );
  }
  return {
    name: `random ${seed}`,
    input: { shape: [...shape], range: { lo: between(-1, 0), hi: between(1, 3) } },
    stages,
    output: { shape: [stages.at(-1)!.outputs], scale: UNSCALED },
  };
}

/** An input of the network's range. */
export function randomInput({ input }: NetworkSpec, seed: number): Float64Array {
  const between = integersFrom(seed);
  const count = input.shape.reduce((product, extent) => product * extent, 1);
  return Float64Array.from({ length: count }, () => between(input.range.lo, input.range.hi));
}

/** The logits in the clear, by the definition. */
export function clearLogits({ stages }: NetworkSpec, input: Float64Array): bigint[] {
  let current = Array.from(input, BigInt);
  stages.forEach((stage, index) => {
    const read = index === 0 ? current : current.map((value) => value * value);
    current = Array.from({ length: stage.outputs }, (_, row) => {
      let sum = BigInt(stage.bias[row]!);
      for (let entry = stage.starts[row]!; entry < stage.starts[row + 1]!; entry++)
        sum += BigInt(stage.weights[entry]!) * read[stage.columns[entry]!]!;
      return sum;
    });
  });
  return current;
}
