import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { NetworkView } from '../../compiler/network/view.ts';

/** @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the network's range. */
export function checkNetworkInput({ input: { shape, range } }: NetworkView, input: Tensor): void {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (input.data.length !== count) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: 'input',
      message: 'the input does not have the shape of the network',
      expected: `[${shape.join(', ')}]`,
      found: `[${input.shape.join(', ')}]`,
    });
  }
  const wrong = input.data.findIndex(
    (value) => !Number.isInteger(value) || value < range.lo || value > range.hi,
  );
  if (wrong < 0) return;
  throw new CipherconvError({
    code: 'out-of-range',
    where: `input[${wrong}]`,
    message: 'a value outside the range that the network was proved for',
    expected: `an integer from ${range.lo} to ${range.hi}`,
    found: String(input.data[wrong]),
  });
}
