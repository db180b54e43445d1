import type { Random } from './random.ts';

/** Changes of TFLite files: of single bytes, and of the numbers that offsets, lengths and extents are. */

type Mutation = (bytes: Uint8Array, random: Random) => void;

const flipBits: Mutation = (bytes, random) => {
  for (let flips = 1 + random.below(6); flips > 0; flips--)
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
};

/** An aligned 32-bit number becomes one that lies. */
const writeNumber: Mutation = (bytes, random) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const position = 4 * random.below(Math.floor(bytes.length / 4));
  const lies = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, bytes.length, 2 ** random.below(31)];
  view.setUint32(position, random.pick(lies), true);
};

/** A number becomes a neighbour of itself: offsets that lead one table further, extents that are off by one. */
const nudgeNumber: Mutation = (bytes, random) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const position = 2 * random.below(Math.floor(bytes.length / 2));
  const nudge = random.pick([-4, -2, -1, 1, 2, 4, 8]);
  view.setUint16(position, (view.getUint16(position, true) + nudge) & 0xffff, true);
};

const fillRun: Mutation = (bytes, random) => {
  const start = random.below(bytes.length);
  bytes.fill(random.pick([0, 0xff, 0x80, random.below(256)]), start, start + 1 + random.below(64));
};

const moveRun: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  bytes.copyWithin(random.below(bytes.length), from, from + 1 + random.below(256));
};

const MUTATIONS = [flipBits, writeNumber, writeNumber, nudgeNumber, nudgeNumber, fillRun, moveRun];

/** A changed copy; one whose weights alone are changed is well-formed. */
export function tfliteMutant(bytes: Uint8Array, random: Random): Uint8Array {
  const mutant = bytes.slice();
  for (let changes = 1 + random.below(2); changes > 0; changes--) random.pick(MUTATIONS)(mutant, random);
  return mutant;
}
