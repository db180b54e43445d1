/**
 * What a client draws: a ChaCha20 stream (the block function of RFC 8439, section 2.3, with a 64-bit counter in words 12
 * and 13), and uniform residues, ternary keys and centred binomial errors made of it.
 *
 * `state` is the address of the sixteen words that a block starts from; the counter in it moves on. Four blocks are
 * computed side by side, one in each lane, and stored one after another. Which draws are refused depends on refused draws
 * alone, never on a value that is kept. Part of the modules of ring.ts and packing.ts.
 */

/** Bytes of the four blocks that are made at a time. */
const BATCH: i32 = 256;
const BLOCKS: u64 = 4;

// @ts-ignore: decorator
@inline
function rotate16(x: v128): v128 {
  return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

// @ts-ignore: decorator
@inline
function rotate8(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** Stores four words of four blocks: lane i of each belongs to block i. */
// @ts-ignore: decorator
@inline
function storeTransposed(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i32x4.shuffle(ab, cd, 0, 1, 4, 5));
  v128.store(to + 64, i32x4.shuffle(ab, cd, 2, 3, 6, 7));
  v128.store(to + 128, i32x4.shuffle(abHigh, cdHigh, 0, 1, 4, 5));
  v128.store(to + 192, i32x4.shuffle(abHigh, cdHigh, 2, 3, 6, 7));
}

/** The next four blocks of the stream. */
export function chacha(state: usize, to: usize): void {
  const counter = load<u64>(state + 48);
  const low = i32x4(<i32>counter, <i32>(counter + 1), <i32>(counter + 2), <i32>(counter + 3));
  const high = i32x4(
    <i32>(counter >> 32),
    <i32>((counter + 1) >> 32),
    <i32>((counter + 2) >> 32),
    <i32>((counter + 3) >> 32),
  );
  let x0 = v128.load32_splat(state);
  let x1 = v128.load32_splat(state + 4);
  let x2 = v128.load32_splat(state + 8);
  let x3 = v128.load32_splat(state + 12);
  let x4 = v128.load32_splat(state + 16);
  let x5 = v128.load32_splat(state + 20);
  let x6 = v128.load32_splat(state + 24);
  let x7 = v128.load32_splat(state + 28);
  let x8 = v128.load32_splat(state + 32);
  let x9 = v128.load32_splat(state + 36);
  let x10 = v128.load32_splat(state + 40);
  let x11 = v128.load32_splat(state + 44);
  let x12 = low;
  let x13 = high;
  let x14 = v128.load32_splat(state + 56);
  let x15 = v128.load32_splat(state + 60);
  for (let round = 0; round < 10; round++) {
    x0 = i32x4.add(x0, x4);
    x1 = i32x4.add(x1, x5);
    x2 = i32x4.add(x2, x6);
    x3 = i32x4.add(x3, x7);
    x12 = rotate16(v128.xor(x12, x0));
    x13 = rotate16(v128.xor(x13, x1));
    x14 = rotate16(v128.xor(x14, x2));
    x15 = rotate16(v128.xor(x15, x3));
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x4 = rotate(v128.xor(x4, x8), 12);
    x5 = rotate(v128.xor(x5, x9), 12);
    x6 = rotate(v128.xor(x6, x10), 12);
    x7 = rotate(v128.xor(x7, x11), 12);
    x0 = i32x4.add(x0, x4);
    x1 = i32x4.add(x1, x5);
    x2 = i32x4.add(x2, x6);
    x3 = i32x4.add(x3, x7);
    x12 = rotate8(v128.xor(x12, x0));
    x13 = rotate8(v128.xor(x13, x1));
    x14 = rotate8(v128.xor(x14, x2));
    x15 = rotate8(v128.xor(x15, x3));
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x4 = rotate(v128.xor(x4, x8), 7);
    x5 = rotate(v128.xor(x5, x9), 7);
    x6 = rotate(v128.xor(x6, x10), 7);
    x7 = rotate(v128.xor(x7, x11), 7);

    x0 = i32x4.add(x0, x5);
    x1 = i32x4.add(x1, x6);
    x2 = i32x4.add(x2, x7);
    x3 = i32x4.add(x3, x4);
    x15 = rotate16(v128.xor(x15, x0));
    x12 = rotate16(v128.xor(x12, x1));
    x13 = rotate16(v128.xor(x13, x2));
    x14 = rotate16(v128.xor(x14, x3));
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x5 = rotate(v128.xor(x5, x10), 12);
    x6 = rotate(v128.xor(x6, x11), 12);
    x7 = rotate(v128.xor(x7, x8), 12);
    x4 = rotate(v128.xor(x4, x9), 12);
    x0 = i32x4.add(x0, x5);
    x1 = i32x4.add(x1, x6);
    x2 = i32x4.add(x2, x7);
    x3 = i32x4.add(x3, x4);
    x15 = rotate8(v128.xor(x15, x0));
    x12 = rotate8(v128.xor(x12, x1));
    x13 = rotate8(v128.xor(x13, x2));
    x14 = rotate8(v128.xor(x14, x3));
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x5 = rotate(v128.xor(x5, x10), 7);
    x6 = rotate(v128.xor(x6, x11), 7);
    x7 = rotate(v128.xor(x7, x8), 7);
    x4 = rotate(v128.xor(x4, x9), 7);
  }
  storeTransposed(
    i32x4.add(x0, v128.load32_splat(state)),
    i32x4.add(x1, v128.load32_splat(state + 4)),
    i32x4.add(x2, v128.load32_splat(state + 8)),
    i32x4.add(x3, v128.load32_splat(state + 12)),
    to,
  );
  storeTransposed(
    i32x4.add(x4, v128.load32_splat(state + 16)),
    i32x4.add(x5, v128.load32_splat(state + 20)),
    i32x4.add(x6, v128.load32_splat(state + 24)),
    i32x4.add(x7, v128.load32_splat(state + 28)),
    to + 16,
  );
  storeTransposed(
    i32x4.add(x8, v128.load32_splat(state + 32)),
    i32x4.add(x9, v128.load32_splat(state + 36)),
    i32x4.add(x10, v128.load32_splat(state + 40)),
    i32x4.add(x11, v128.load32_splat(state + 44)),
    to + 32,
  );
  storeTransposed(
    i32x4.add(x12, low),
    i32x4.add(x13, high),
    i32x4.add(x14, v128.load32_splat(state + 56)),
    i32x4.add(x15, v128.load32_splat(state + 60)),
    to + 48,
  );
  store<u64>(state + 48, counter + BLOCKS);
}

/**
 * `count` residues uniform below `prime`, as 64-bit words: 32-bit words of the stream for primes below 2^31, 64-bit ones,
 * low half first, for wider ones; in order, cut to the bits of the prime, left out where they reach it.
 * @param room 256 bytes to work in
 */
export function uniformWords(state: usize, room: usize, words: usize, count: i32, prime: u64): void {
  const bits: u64 = <u64>-1 >>> clz(prime);
  const end = words + ((<usize>count) << 3);
  let to = words;
  if (prime >>> 31 === 0) {
    while (to < end) {
      chacha(state, room);
      for (let at: usize = 0; at < <usize>BATCH && to < end; at += 4) {
        const word = <u64>load<u32>(room + at) & bits;
        store<u64>(to, word);
        to += (<usize>(word < prime)) << 3;
      }
    }
    return;
  }
  while (to < end) {
    chacha(state, room);
    for (let at: usize = 0; at < <usize>BATCH && to < end; at += 8) {
      const word = load<u64>(room + at) & bits;
      store<u64>(to, word);
      to += (<usize>(word < prime)) << 3;
    }
  }
}

/** `count` coefficients uniform in {-1, 0, 1}: bytes of the stream below 255, modulo 3, minus 1. 32 signed bits each. */
export function ternary(state: usize, room: usize, values: usize, count: i32): void {
  const end = values + (<usize>count << 2);
  let to = values;
  while (to < end) {
    chacha(state, room);
    for (let at: usize = 0; at < <usize>BATCH && to < end; at++) {
      const byte = <u32>load<u8>(room + at);
      // floor(byte / 3) = floor(171 byte / 512) for every byte.
      const third = (byte * 171) >>> 9;
      store<i32>(to, <i32>(byte - 3 * third) - 1);
      to += (<usize>(byte < 255)) << 2;
    }
  }
}

/**
 * `count` errors of SEAL's centred binomial distribution, 21 coins minus 21 coins: 42 of each 48 bits of the stream.
 * 32 signed bits each; `count` is a multiple of 128.
 * @param room 768 bytes and 8 more
 */
export function errors(state: usize, room: usize, values: usize, count: i32): void {
  const coins: u64 = (<u64>1 << 21) - 1;
  let to = values;
  for (let done = 0; done < count; done += 128) {
    chacha(state, room);
    chacha(state, room + BATCH);
    chacha(state, room + 2 * BATCH);
    for (let at: usize = 0; at < 768; at += 6) {
      const word = load<u64>(room + at);
      store<i32>(to, <i32>popcnt(word & coins) - <i32>popcnt((word >>> 21) & coins));
      to += 4;
    }
  }
}
