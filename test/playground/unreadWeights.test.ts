import { expect, test } from 'vitest';
import { unreadWeights } from '../../src/playground/unreadWeights.ts';

const FILES = [{ name: 'weights.npy' }];

test('a .npy file that the config names is read, and nothing is said', () => {
  expect(unreadWeights(FILES, '{ "weights": { "values": { "npy": "folder/weights.npy" } } }')).toBeNull();
  expect(unreadWeights([{ name: 'other.npy' }, ...FILES], '"weights.npy"')).toBeNull();
});

test('one that nothing names changes nothing, and is told what would read it', () => {
  expect(unreadWeights(FILES, '{ "weights": { "values": [1] } }')).toBe(
    'weights.npy: nothing changed, because the config names no such file. Write {"npy":"weights.npy"} as weights.values, or open a config that does.',
  );
});

test('beside an open model it says so', () => {
  expect(unreadWeights(FILES, null)).toMatch(
    /^weights\.npy: nothing changed\. A model keeps its own weights/,
  );
});
