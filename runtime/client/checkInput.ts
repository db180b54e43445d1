import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/**
 * Checks that `input` is a tensor (NCHW, raw values) that the convolution was analysed for: outside its range the
 * accumulator could leave its window and decrypt wrong in silence.
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` naming the first such value.
 */
export function checkInput(input: Tensor, { input: declared }: ConvShape): void {
  const expected = [declared.batch, declared.channels, declared.height, declared.width];
  if (input.shape.join() !== expected.join() || input.data.length !== elementCount(expected)) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: 'input',
      message: 'the tensor does not have the shape of the plan',
      expected: `[${expected.join(', ')}] (NCHW), ${elementCount(expected)} values`,
      found: `[${input.shape.join(', ')}], ${input.data.length} values`,
    });
  }
  const { lo, hi } = declared.range;
  const wrong = firstOutside(input.data, lo, hi);
  if (wrong === null) return;
  throw new CipherconvError({
    code: 'out-of-range',
    where: `input.data[${wrong}]`,
    message: 'a value outside the input range that the plan was made for',
    expected: `an integer from ${lo} to ${hi}`,
    found: String(input.data[wrong]),
  });
}

/** Index of the first value that is no integer from lo to hi. A plain loop: every value of every input goes through it. */
function firstOutside(data: Float64Array, lo: number, hi: number): number | null {
  for (let index = 0; index < data.length; index++) {
    const value = data[index]!;
    // Written so that NaN is outside.
    if (!(value >= lo && value <= hi && Math.floor(value) === value)) return index;
  }
  return null;
}
