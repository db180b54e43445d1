import { expect, it } from 'vitest';
import { resnetModel } from '../../bench/resnet.ts';
import { randomIntegers } from '../support/specs.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';

it.each(['qdq', 'qlinear'] as const)('a narrow ResNet-50 as %s runs in onnxruntime-web', async (form) => {
  const bytes = resnetModel({ form, channels: 4, size: 64, classes: 10 });
  const random = randomIntegers(1);
  const shape = [1, 3, 64, 64];
  const data = Array.from({ length: 3 * 64 * 64 }, () => random(0, 255) / 64);
  const results = await runInOnnxruntime(bytes, [{ name: 'picture', type: 'float32', shape, data }]);
  const [scores] = results.values();
  expect(scores?.shape).toEqual([1, 10]);
  // The layers neither saturate nor die out on the way.
  expect(new Set(scores?.data).size).toBeGreaterThan(3);
});
