/** Outside vectors: requantized outputs as their sources publish them, bit for bit. Reads DATA_DIR/vectors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { requantize } from '../../runtime/clear/requantize.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds vectors/*.json');
const folder = join(dataFolder, 'vectors');

const tensor = z.object({ shape: z.array(z.int()), data: z.array(z.int()) });
const common = {
  outputZeroPoint: z.int(),
  clamp: z.tuple([z.int(), z.int()]).transform(([lo, hi]) => ({ lo, hi })),
  expectedOutput: tensor,
};
const integers = z.array(z.int());
const vectorSchema = z.object({
  expectedAccumulator: tensor,
  requantization: z.optional(
    z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('tflite'),
        rounding: z.enum(['q31-double-rounding', 's64-reduced-multiplier']),
        multiplier: integers,
        shift: integers,
        ...common,
      }),
      z.object({ kind: z.literal('qlinear'), scale: z.array(z.number()), ...common }),
      z.object({
        kind: z.literal('mul-add-shift'),
        multiplier: integers,
        addend: integers,
        shift: integers,
        ...common,
      }),
    ]),
  ),
});

const vectors = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((file) => {
    const { expectedAccumulator, requantization } = vectorSchema.parse(
      JSON.parse(readFileSync(join(folder, file), 'utf8')),
    );
    if (requantization === undefined) return [];
    const { expectedOutput, ...how } = requantization;
    return [{ file, accumulator: expectedAccumulator, how: how, expected: expectedOutput }];
  });

it('finds vectors with requantized outputs, of both tflite roundings', () => {
  const roundings = new Set(vectors.map(({ how }) => (how.kind === 'tflite' ? how.rounding : how.kind)));
  expect([...roundings].sort()).toEqual(
    expect.arrayContaining(['q31-double-rounding', 's64-reduced-multiplier']),
  );
});

it.each(vectors)('$file', ({ accumulator, how, expected }) => {
  const output = requantize(makeTensor(accumulator.shape, accumulator.data), how);
  expect(output.shape).toEqual(expected.shape);
  expect([...output.data]).toEqual(expected.data);
});
