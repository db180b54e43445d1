import { expect } from 'vitest';
import { importModel } from '../../../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../../../src/model/compileModel.ts';
import { runModel } from '../../../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../../../src/model/typedTensor.ts';
import { randomIntegers } from '../../specs.ts';
import type { ShapedNetwork } from './qdqWriter.ts';

/** Runs a network on a random picture: every linear layer encrypted, and equal, and the whole equal. */
export async function expectEncrypted({ bytes, input, linearCount }: ShapedNetwork): Promise<void> {
  const model = importModel(bytes);
  expect(model.unsupported).toEqual([]);
  expect(model.layers).toHaveLength(linearCount);
  const random = randomIntegers(5);
  const count = input.reduce((product, extent) => product * extent, 1);
  const data = Array.from({ length: count }, () => random(-250, 250) / 100);
  const picture = typedTensor('float32', input, data, 'x');
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
}
