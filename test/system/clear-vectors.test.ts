/** Outside vectors: the executors against accumulators that other projects confirm. Reads DATA_DIR/vectors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXECUTORS } from '../../runtime/clear/executors.ts';
import type { Executor } from '../../runtime/clear/executors.ts';
import { parseVector } from '../../bench/vectorFile.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds vectors/*.json');
const folder = join(dataFolder, 'vectors');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

it('finds vectors', () => {
  expect(files.length).toBeGreaterThan(0);
});

describe.each(Object.entries<Executor>(EXECUTORS))('%s', (_, execute) => {
  it.each(files)('%s', (file) => {
    const { spec, input, expected } = parseVector(readFileSync(join(folder, file), 'utf8'), file);
    const actual = execute(spec, input);
    expect(actual.shape).toEqual(expected.shape);
    expect(actual.data).toEqual(expected.data);
  });
});
