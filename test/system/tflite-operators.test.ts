/**
 * Every activation that the reference recorded, operator by operator from the recorded inputs, and whole networks in both
 * roundings. Reads DATA_DIR/tflite. The files' constants are read by the tests' own few lines.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linearMultipliers } from '../../src/interpreter/fixedPoint/linearParts.ts';
import type { FixedPointRounding, LinearOperator } from '../../src/interpreter/fixedPoint/node.ts';
import { checkFixedPointNode } from '../../src/interpreter/fixedPoint/check.ts';
import { fixedPointSteps } from '../../src/interpreter/fixedPoint/steps.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import type { DenseTensor } from '../../src/interpreter/values.ts';
import {
  constantTensors,
  describedTensors,
  goldenFolders,
  nodeOf,
  readManifest,
  recordedTensor,
} from '../support/tflite/golden.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds tflite/');
const root = join(dataFolder, 'tflite');
const golden = join(root, 'golden');

function bytesOf({ data }: DenseTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function opened(name: string) {
  const folder = join(golden, name);
  const manifest = readManifest(folder);
  const tensors = describedTensors(manifest);
  const constants = constantTensors(manifest, readFileSync(join(root, manifest.model)));
  const nodes = manifest.ops.map(nodeOf);
  const recorded = (recordedCase: string, tensor: string): DenseTensor => {
    const record = manifest.cases[recordedCase]!.tensors[tensor]!;
    return recordedTensor(folder, record, manifest.tensors[tensor]!.type);
  };
  return { manifest, tensors, constants, nodes, recorded };
}

let compared = 0;

describe.each(goldenFolders(golden))('%s', (name) => {
  const { manifest, tensors, constants, nodes, recorded } = opened(name);
  const cases = Object.keys(manifest.cases);

  it('each operator makes of recorded inputs what is recorded', async () => {
    for (const [index, node] of nodes.entries()) {
      checkFixedPointNode(node, tensors, constants, 'double');
      const [step] = fixedPointSteps([node], tensors, 'double');
      for (const recordedCase of cases) {
        const inputs = step!.inputs.map((tensor) =>
          tensor === '' ? null : (constants.get(tensor) ?? recorded(recordedCase, tensor)),
        );
        const made = await step!.run(inputs);
        const expected = recorded(recordedCase, node.outputs[0]!);
        expect(made![0]!.data, `${node.name}, ${recordedCase}`).toEqual(expected.data);
        compared += expected.data.length;
        expect(manifest.ops[index]!.outputs).toHaveLength(1);
      }
    }
  });

  it('multipliers and shifts are those that the reference derived', () => {
    for (const [index, { op, derived, inputs, outputs }] of manifest.ops.entries()) {
      const { multiplier, shift } = derived ?? {};
      if (!Array.isArray(multiplier) || !Array.isArray(shift)) continue;
      const at = (place: number) => tensors.get(String(place))!;
      const [input, filter] = op === 'TRANSPOSE_CONV' ? [inputs[2]!, inputs[1]!] : [inputs[0]!, inputs[1]!];
      const made = linearMultipliers(
        op as LinearOperator,
        {
          inputScale: at(input).scales[0]!,
          filterScales: at(filter).scales,
          outputScale: at(outputs[0]!).scales[0]!,
        },
        multiplier.length,
      );
      expect(
        made.map((one) => one.multiplier),
        `${op} ${index}`,
      ).toEqual(multiplier);
      expect(made.map((one) => one.shift)).toEqual(shift);
    }
  });

  it.each(['double', 'single'] as const)(
    'the whole network, %s rounding',
    async (rounding: FixedPointRounding) => {
      const steps = fixedPointSteps(nodes, tensors, rounding);
      const wanted = steps.flatMap(({ outputs }) => outputs);
      for (const recordedCase of cases) {
        const given = new Map(constants);
        for (const input of manifest.inputs) given.set(String(input), recorded(recordedCase, String(input)));
        const made = await interpret(steps, given, wanted);
        const whole = manifest.cases[recordedCase]!.tensors;
        for (const tensor of wanted) {
          const { sha256, sha256_single_rounding: single } = whole[tensor]!;
          const digest = createHash('sha256')
            .update(bytesOf(made.get(tensor)!))
            .digest('hex');
          const expected = rounding === 'double' || single === 'same' ? sha256 : single;
          expect(digest, `tensor ${tensor}, ${recordedCase}`).toBe(expected);
        }
      }
    },
  );
});

it('there was something to compare', () => {
  console.log(`${compared} activations equal`);
  expect(compared).toBeGreaterThan(1_000_000);
});
