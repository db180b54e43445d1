/**
 * Coefficients between 64-bit words and the bits that travel (../../wire/coefficients.ts says which): part of the modules of
 * packing.ts, direct.ts and ring.ts. Bits are packed back to back, least significant first. `positions` is the address of
 * 32-bit coefficient numbers, or 0 for all from 0 on.
 */

/** Between places of one memory: V8 copies memory that threads share, and fills it, several times slower than this. */
export function copyBytes(from: usize, to: usize, count: usize): void {
  memory.copy(to, from, count);
}

export function clearBytes(at: usize, count: usize): void {
  memory.fill(at, 0, count);
}

/** Values of so many bits fit into 64 behind up to 7 others: they go through without a branch. */
const NARROW: i32 = 56;

/** Appends the low `bits` bits of each word >> dropped from bit `startBit` after `to` on; the rest has to be 0. */
export function pack(
  words: usize,
  positions: usize,
  count: i32,
  dropped: i32,
  bits: i32,
  to: usize,
  startBit: i32,
): void {
  if (bits <= NARROW) {
    packNarrow(words, positions, count, dropped, bits, to, startBit);
    return;
  }
  to += <usize>(startBit >>> 6) << 3;
  let used = startBit & 63;
  let pending: u64 = used === 0 ? 0 : load<u64>(to) & ((<u64>1 << used) - 1);
  for (let index = 0; index < count; index++) {
    const at = positions === 0 ? <usize>index : <usize>load<u32>(positions + ((<usize>index) << 2));
    const value = load<u64>(words + (at << 3)) >>> dropped;
    pending |= value << used;
    used += bits;
    if (used >= 64) {
      store<u64>(to, pending);
      to += 8;
      used -= 64;
      // What did not fit; a shift by 64 would be a shift by 0.
      pending = used === 0 ? 0 : value >>> (bits - used);
    }
  }
  store<u64>(to, pending);
}

/** Word number `index` of those at the positions. */
// @ts-ignore: decorator
@inline
function valueOf(words: usize, positions: usize, index: i32): u64 {
  const at = positions === 0 ? <usize>index : <usize>load<u32>(positions + ((<usize>index) << 2));
  return load<u64>(words + (at << 3));
}

/** The same byte by byte: what is full is stored, what is not stays in `pending`. */
function packNarrow(
  words: usize,
  positions: usize,
  count: i32,
  dropped: i32,
  bits: i32,
  to: usize,
  startBit: i32,
): void {
  to += <usize>(startBit >>> 3);
  let used = startBit & 7;
  let pending: u64 = <u64>load<u8>(to) & ((<u64>1 << used) - 1);
  // Two values at a time where both fit: each step waits for the one before it.
  const pairs = 2 * bits <= NARROW ? count >> 1 : 0;
  for (let pair = 0; pair < pairs; pair++) {
    const first = valueOf(words, positions, 2 * pair) >>> dropped;
    const second = valueOf(words, positions, 2 * pair + 1) >>> dropped;
    pending |= (first | (second << bits)) << used;
    store<u64>(to, pending);
    used += 2 * bits;
    const full = used >>> 3;
    to += <usize>full;
    pending >>>= full << 3;
    used &= 7;
  }
  for (let index = 2 * pairs; index < count; index++) {
    pending |= (valueOf(words, positions, index) >>> dropped) << used;
    store<u64>(to, pending);
    used += bits;
    const full = used >>> 3;
    to += <usize>full;
    pending >>>= full << 3;
    used &= 7;
  }
  store<u8>(to, <u8>pending);
}

/**
 * Reads what `pack` wrote: each value, at most `largest`, becomes (value << dropped) + half, and `upper` where it lies in the
 * upper half, minus `excess` where that reaches the prime. Gives the index of the first value that is larger, after which nothing is
 * written, or -1.
 */
export function unpack(
  from: usize,
  startBit: i32,
  positions: usize,
  count: i32,
  dropped: i32,
  bits: i32,
  largest: u64,
  half: u64,
  upper: u64,
  prime: u64,
  excess: u64,
  words: usize,
): i32 {
  if (bits <= NARROW)
    return unpackNarrow(
      from,
      startBit,
      positions,
      count,
      dropped,
      bits,
      largest,
      half,
      upper,
      prime,
      excess,
      words,
    );
  from += <usize>(startBit >>> 6) << 3;
  let used = startBit & 63;
  let current = load<u64>(from);
  const mask: u64 = bits === 64 ? -1 : (<u64>1 << bits) - 1;
  const middle = largest >>> 1;
  for (let index = 0; index < count; index++) {
    let value = current >>> used;
    used += bits;
    if (used >= 64) {
      from += 8;
      used -= 64;
      current = load<u64>(from);
      if (used > 0) value |= current << (bits - used);
    }
    value &= mask;
    if (value > largest) return index;
    value = (value << dropped) + half + (value > middle ? upper : 0);
    if (value >= prime) value -= excess;
    const at = positions === 0 ? <usize>index : <usize>load<u32>(positions + ((<usize>index) << 2));
    store<u64>(words + (at << 3), value);
  }
  return -1;
}

/** The same, each value from the 64 bits that begin at its first byte. */
function unpackNarrow(
  from: usize,
  startBit: i32,
  positions: usize,
  count: i32,
  dropped: i32,
  bits: i32,
  largest: u64,
  half: u64,
  upper: u64,
  prime: u64,
  excess: u64,
  words: usize,
): i32 {
  let bit = <usize>startBit;
  const mask: u64 = (<u64>1 << bits) - 1;
  const middle = largest >>> 1;
  for (let index = 0; index < count; index++) {
    let value = (load<u64>(from + (bit >>> 3)) >>> (bit & 7)) & mask;
    bit += <usize>bits;
    if (value > largest) return index;
    value = (value << dropped) + half + (value > middle ? upper : 0);
    if (value >= prime) value -= excess;
    const at = positions === 0 ? <usize>index : <usize>load<u32>(positions + ((<usize>index) << 2));
    store<u64>(words + (at << 3), value);
  }
  return -1;
}

/** The value at number `index` of a run, as `unpack` found it. */
export function valueAt(from: usize, startBit: i32, index: i32, bits: i32): u64 {
  const bit = <u64>startBit + <u64>index * <u64>bits;
  from += <usize>(bit >>> 6) << 3;
  const used = <i32>(bit & 63);
  let value = load<u64>(from) >>> used;
  if (used + bits > 64) value |= load<u64>(from + 8) << (64 - used);
  return bits === 64 ? value : value & ((<u64>1 << bits) - 1);
}
