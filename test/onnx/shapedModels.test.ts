/** Networks shaped like those that people have, small: every linear layer encrypted, the whole equal. */
import { describe, expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { dynamicResnet18, NARROW_RESNET_18, RESNET_18_LAYERS } from '../support/onnx/networks/dynamic.ts';
import { mobileNet, NARROW_MOBILE_NET } from '../support/onnx/networks/mobileNet.ts';
import type { ShapedNetwork } from '../support/onnx/networks/qdqWriter.ts';
import { NARROW_YOLO, yolo } from '../support/onnx/networks/yolo.ts';
import { randomIntegers } from '../support/specs.ts';

const NETWORKS: readonly (readonly [string, () => ShapedNetwork])[] = [
  ['MobileNetV2, signed QDQ with residual branches', () => mobileNet(NARROW_MOBILE_NET)],
  ['YOLO, signed QDQ with SiLU, concat, upsampling and sigmoid heads', () => yolo(NARROW_YOLO)],
  [
    'ResNet-18, dynamically quantized',
    () => ({
      bytes: dynamicResnet18(NARROW_RESNET_18),
      input: [1, 3, NARROW_RESNET_18.size, NARROW_RESNET_18.size],
      linearCount: RESNET_18_LAYERS,
    }),
  ],
];

describe('networks of the shapes that people have', () => {
  it.each(NETWORKS)('%s', async (_, make) => {
    const { bytes, input, linearCount } = make();
    const model = importModel(bytes);
    expect(model.unsupported).toEqual([]);
    expect(model.layers).toHaveLength(linearCount);
    const random = randomIntegers(5);
    const count = input.reduce((product, extent) => product * extent, 1);
    const picture = typedTensor(
      'float32',
      input,
      Array.from({ length: count }, () => random(-250, 250) / 100),
      'x',
    );
    const { report, outputs } = await runModel(compileModel(model), new Map([['x', picture]]));
    expect(report.match).toBe(true);
    expect(report.layers).toHaveLength(linearCount);
    expect(report.clear).toEqual([]);
    expect(report.macs.encrypted).toBe(report.macs.total);
    for (const [name, output] of outputs) {
      // Nothing saturates or dies out on the way.
      const values = toDoubles(output, name);
      expect(new Set(values).size).toBeGreaterThan(values.length > 50 ? 20 : 4);
    }
  });
});
