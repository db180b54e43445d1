import type { NetworkSpec } from '../../compiler/network/spec.ts';

/** The logits in the clear, by the definition: sums and squares in exact integers of any size. */
export function clearLogits({ stages }: NetworkSpec, input: Float64Array): bigint[] {
  let values = Array.from(input, BigInt);
  stages.forEach(({ outputs, starts, columns, weights, bias }, index) => {
    const read = index === 0 ? values : values.map((value) => value * value);
    values = Array.from({ length: outputs }, (_, row) => {
      let sum = BigInt(bias[row]!);
      for (let entry = starts[row]!; entry < starts[row + 1]!; entry++)
        sum += BigInt(weights[entry]!) * read[columns[entry]!]!;
      return sum;
    });
  });
  return values;
}
