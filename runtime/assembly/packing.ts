/**
 * Coefficients between 64-bit words and the bits that travel (../../wire/coefficients.ts says which). AssemblyScript;
 * `npm run build:kernel` compiles it into ../packing.gen.ts. Bits are packed back to back, least significant first.
 *
 * The module owns no data: JavaScript lays out the memory and passes byte addresses. `positions` is the address of
 * 32-bit coefficient numbers, or 0 for all from 0 on.
 */

export { uniformWords } from './randomness';
export { expand, reduce } from './seed';

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

/**
 * Reads what `pack` wrote: each value, at most `largest`, becomes (value << dropped) + half, minus the prime where that
 * reaches it. Gives the index of the first value that is larger, after which nothing is written, or -1.
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
  prime: u64,
  words: usize,
): i32 {
  from += <usize>(startBit >>> 6) << 3;
  let used = startBit & 63;
  let current = load<u64>(from);
  const mask: u64 = bits === 64 ? -1 : (<u64>1 << bits) - 1;
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
    value = (value << dropped) + half;
    if (value >= prime) value -= prime;
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
