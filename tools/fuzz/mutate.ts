import type { Random } from './random.ts';

/** Changes of messages. Each takes a message and gives another one; what comes out may be well-formed by chance. */
type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** Of our messages: a header, packed coefficients, and a seed at the end. */
const HEADER_BYTES = 40;
const SEED_BYTES = 32;

const flipBits: Mutation = (bytes, random) => {
  for (let flips = 1 + random.below(8); flips > 0; flips--)
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
};

const flipHeader: Mutation = (bytes, random) => {
  bytes[random.below(HEADER_BYTES)]! ^= 1 << random.below(8);
  return bytes;
};

/** One bit of a coefficient: below the modulus more often than not, and then well-formed. */
const flipCoefficient: Mutation = (bytes, random) => {
  const span = bytes.length - HEADER_BYTES - SEED_BYTES;
  bytes[HEADER_BYTES + random.below(span)]! ^= 1 << random.below(8);
  return bytes;
};

/** Another c1: always well-formed. */
const changeSeed: Mutation = (bytes, random) => {
  bytes.set(random.bytes(SEED_BYTES), bytes.length - SEED_BYTES);
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const extend: Mutation = (bytes, random) => {
  const longer = new Uint8Array(bytes.length + 1 + random.below(64));
  longer.set(bytes);
  longer.set(random.bytes(longer.length - bytes.length), bytes.length);
  return longer;
};

const fillRun: Mutation = (bytes, random) => {
  const start = random.below(bytes.length);
  return bytes.fill(random.pick([0, 0xff, 0x80, random.below(256)]), start, start + 1 + random.below(64));
};

const moveRun: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return bytes.copyWithin(random.below(bytes.length), from, from + 1 + random.below(256));
};

/** The start of one message and the end of another, at the same place or not. */
const splice: Mutation = (bytes, random, others) => {
  const other = random.pick(others);
  const at = random.below(bytes.length);
  const from = random.below(2) === 0 ? at : random.below(other.length);
  const tail = other.subarray(Math.min(from, other.length));
  const joined = new Uint8Array(at + tail.length);
  joined.set(bytes.subarray(0, at));
  joined.set(tail, at);
  return joined;
};

/** A 32-bit number somewhere, as a length or a count would be. */
const writeNumber: Mutation = (bytes, random) => {
  if (bytes.length < 4) return bytes;
  const value = random.pick([0, 1, 16, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length]);
  new DataView(bytes.buffer).setUint32(random.below(bytes.length - 3), value, random.below(2) === 0);
  return bytes;
};

const replaceAll: Mutation = (bytes, random) => random.bytes(random.below(2 * bytes.length));

/** The header stays, everything behind it is random. */
const replacePayload: Mutation = (bytes, random) => {
  bytes.set(random.bytes(bytes.length - HEADER_BYTES), HEADER_BYTES);
  return bytes;
};

const MUTATIONS = {
  flipBits,
  flipHeader,
  flipCoefficient,
  changeSeed,
  truncate,
  extend,
  fillRun,
  moveRun,
  splice,
  writeNumber,
  replaceAll,
  replacePayload,
} satisfies Record<string, Mutation>;

const NAMES = Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[];

export interface Mutant {
  /** The mutations, in order. */
  readonly how: string;
  readonly bytes: Uint8Array;
}

/** One to three mutations of one of `corpus`, which are whole messages. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Mutant {
  let bytes: Uint8Array = random.pick(corpus).slice();
  const names: string[] = [];
  for (let rounds = 1 + random.below(3) * random.below(2); rounds > 0; rounds--) {
    // What is shorter than a header and a seed has no parts left to mutate.
    if (bytes.length <= HEADER_BYTES + SEED_BYTES) break;
    const name = random.pick(NAMES);
    names.push(name);
    bytes = MUTATIONS[name](bytes, random, corpus);
  }
  return { how: names.join(', '), bytes };
}
