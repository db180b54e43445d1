import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { outsideShape } from '../frontend/layouts.ts';
import type { PictureRules } from '../frontend/pictureFit.ts';
import type { TensorLayout } from '../frontend/schema.ts';
import { inputTensor } from '../frontend/tensors.ts';
import type { InputSource } from '../frontend/tensors.ts';
import { stackSize, unstack } from '../model/stacks.ts';

/**
 * The inputs (NCHW) that a file holds for a convolution: one, or as many as are stacked along the first axis.
 * @throws CipherconvError as `inputTensor`
 */
export function planInputs(
  source: InputSource,
  shape: ConvShape,
  layout: TensorLayout,
  rules: PictureRules,
  notice: (sentence: string) => void,
): Tensor[] {
  const { batch, channels, height, width } = shape.input;
  const wanted = outsideShape([batch, channels, height, width], layout);
  const count = source.kind === 'tensor' ? stackSize(wanted, source.shape) : 1;
  if (source.kind !== 'tensor' || count === 1) return [inputTensor(source, shape, layout, notice, rules)];
  return unstack(source, count).map((part) =>
    inputTensor({ ...source, ...part }, shape, layout, notice, rules),
  );
}
