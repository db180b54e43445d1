/**
 * c1 from its 64-byte seed, bit for bit as SEAL makes it: a stream of 4096-byte BLAKE2Xb outputs (key: the seed, message:
 * the number of the output as 64 bits), of which 64-bit words are taken in turn, refused past the largest multiple of the
 * prime and reduced modulo it. BLAKE2b: RFC 7693; BLAKE2X: Aumasson, Neves, Wilcox-O'Hearn, Winnerlein, "BLAKE2X" (2016).
 * What comes out is public, as the seed is. Part of the module of packing.ts.
 *
 * Two blocks are computed side by side, one in each lane. The working memory, from `room` on: the message schedule (12
 * rounds of 16 words), the chaining value (8 words of two lanes), the message (16 words), one output.
 */

const ROUNDS: i32 = 12;
const SCHEDULE: usize = 0;
const CHAIN: usize = 1536;
const MESSAGE: usize = 1664;
const OUTPUT: usize = 1792;
const OUTPUT_BYTES: i32 = 4096;
const BLOCK: u64 = 64;

/** The message word of each round and place, RFC 7693 section 2.7; rounds 10 and 11 are 0 and 1 again. */
const SIGMA = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
  11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
  9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
  12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
  6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
]);

const IV = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
  0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]);

/** The message words in the order in which the rounds take them. */
function schedule(room: usize): void {
  for (let index: usize = 0; index < 192; index++) {
    const word = <usize>load<u8>(SIGMA + index);
    store<u64>(room + SCHEDULE + (index << 3), load<u64>(room + MESSAGE + (word << 3)));
  }
}

// @ts-ignore: decorator
@inline
function rotate32(x: v128): v128 {
  return i32x4.shuffle(x, x, 1, 0, 3, 2);
}

// @ts-ignore: decorator
@inline
function rotate24(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
}

// @ts-ignore: decorator
@inline
function rotate16(x: v128): v128 {
  return i8x16.shuffle(x, x, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
}

// @ts-ignore: decorator
@inline
function rotate63(x: v128): v128 {
  return v128.or(i64x2.add(x, x), i64x2.shr_u(x, 63));
}

/** The compression function F of RFC 7693 section 3.2, both lanes with the schedule at `room`. */
function compress(room: usize, bytes: u64, final: bool): void {
  const chain = room + CHAIN;
  let a0 = v128.load(chain, 0);
  let a1 = v128.load(chain, 16);
  let a2 = v128.load(chain, 32);
  let a3 = v128.load(chain, 48);
  let b0 = v128.load(chain, 64);
  let b1 = v128.load(chain, 80);
  let b2 = v128.load(chain, 96);
  let b3 = v128.load(chain, 112);
  let c0 = v128.load64_splat(IV, 0);
  let c1 = v128.load64_splat(IV, 8);
  let c2 = v128.load64_splat(IV, 16);
  let c3 = v128.load64_splat(IV, 24);
  let d0 = v128.xor(v128.load64_splat(IV, 32), i64x2.splat(bytes));
  let d1 = v128.load64_splat(IV, 40);
  let d2 = v128.load64_splat(IV, 48);
  if (final) d2 = v128.not(d2);
  let d3 = v128.load64_splat(IV, 56);
  let m = room + SCHEDULE;
  for (let round = 0; round < ROUNDS; round++, m += 128) {
    a0 = i64x2.add(i64x2.add(a0, b0), v128.load64_splat(m, 0));
    a1 = i64x2.add(i64x2.add(a1, b1), v128.load64_splat(m, 16));
    a2 = i64x2.add(i64x2.add(a2, b2), v128.load64_splat(m, 32));
    a3 = i64x2.add(i64x2.add(a3, b3), v128.load64_splat(m, 48));
    d0 = rotate32(v128.xor(d0, a0));
    d1 = rotate32(v128.xor(d1, a1));
    d2 = rotate32(v128.xor(d2, a2));
    d3 = rotate32(v128.xor(d3, a3));
    c0 = i64x2.add(c0, d0);
    c1 = i64x2.add(c1, d1);
    c2 = i64x2.add(c2, d2);
    c3 = i64x2.add(c3, d3);
    b0 = rotate24(v128.xor(b0, c0));
    b1 = rotate24(v128.xor(b1, c1));
    b2 = rotate24(v128.xor(b2, c2));
    b3 = rotate24(v128.xor(b3, c3));
    a0 = i64x2.add(i64x2.add(a0, b0), v128.load64_splat(m, 8));
    a1 = i64x2.add(i64x2.add(a1, b1), v128.load64_splat(m, 24));
    a2 = i64x2.add(i64x2.add(a2, b2), v128.load64_splat(m, 40));
    a3 = i64x2.add(i64x2.add(a3, b3), v128.load64_splat(m, 56));
    d0 = rotate16(v128.xor(d0, a0));
    d1 = rotate16(v128.xor(d1, a1));
    d2 = rotate16(v128.xor(d2, a2));
    d3 = rotate16(v128.xor(d3, a3));
    c0 = i64x2.add(c0, d0);
    c1 = i64x2.add(c1, d1);
    c2 = i64x2.add(c2, d2);
    c3 = i64x2.add(c3, d3);
    b0 = rotate63(v128.xor(b0, c0));
    b1 = rotate63(v128.xor(b1, c1));
    b2 = rotate63(v128.xor(b2, c2));
    b3 = rotate63(v128.xor(b3, c3));
    // The diagonals.
    a0 = i64x2.add(i64x2.add(a0, b1), v128.load64_splat(m, 64));
    a1 = i64x2.add(i64x2.add(a1, b2), v128.load64_splat(m, 80));
    a2 = i64x2.add(i64x2.add(a2, b3), v128.load64_splat(m, 96));
    a3 = i64x2.add(i64x2.add(a3, b0), v128.load64_splat(m, 112));
    d3 = rotate32(v128.xor(d3, a0));
    d0 = rotate32(v128.xor(d0, a1));
    d1 = rotate32(v128.xor(d1, a2));
    d2 = rotate32(v128.xor(d2, a3));
    c2 = i64x2.add(c2, d3);
    c3 = i64x2.add(c3, d0);
    c0 = i64x2.add(c0, d1);
    c1 = i64x2.add(c1, d2);
    b1 = rotate24(v128.xor(b1, c2));
    b2 = rotate24(v128.xor(b2, c3));
    b3 = rotate24(v128.xor(b3, c0));
    b0 = rotate24(v128.xor(b0, c1));
    a0 = i64x2.add(i64x2.add(a0, b1), v128.load64_splat(m, 72));
    a1 = i64x2.add(i64x2.add(a1, b2), v128.load64_splat(m, 88));
    a2 = i64x2.add(i64x2.add(a2, b3), v128.load64_splat(m, 104));
    a3 = i64x2.add(i64x2.add(a3, b0), v128.load64_splat(m, 120));
    d3 = rotate16(v128.xor(d3, a0));
    d0 = rotate16(v128.xor(d0, a1));
    d1 = rotate16(v128.xor(d1, a2));
    d2 = rotate16(v128.xor(d2, a3));
    c2 = i64x2.add(c2, d3);
    c3 = i64x2.add(c3, d0);
    c0 = i64x2.add(c0, d1);
    c1 = i64x2.add(c1, d2);
    b1 = rotate63(v128.xor(b1, c2));
    b2 = rotate63(v128.xor(b2, c3));
    b3 = rotate63(v128.xor(b3, c0));
    b0 = rotate63(v128.xor(b0, c1));
  }
  v128.store(chain, v128.xor(v128.load(chain, 0), v128.xor(a0, c0)), 0);
  v128.store(chain, v128.xor(v128.load(chain, 16), v128.xor(a1, c1)), 16);
  v128.store(chain, v128.xor(v128.load(chain, 32), v128.xor(a2, c2)), 32);
  v128.store(chain, v128.xor(v128.load(chain, 48), v128.xor(a3, c3)), 48);
  v128.store(chain, v128.xor(v128.load(chain, 64), v128.xor(b0, d0)), 64);
  v128.store(chain, v128.xor(v128.load(chain, 80), v128.xor(b1, d1)), 80);
  v128.store(chain, v128.xor(v128.load(chain, 96), v128.xor(b2, d2)), 96);
  v128.store(chain, v128.xor(v128.load(chain, 112), v128.xor(b3, d3)), 112);
}

/** The initial chaining value: the IV and the parameter block, of which only the first three words are not zero. */
function start(room: usize, word0: u64, left1: u64, right1: u64, word2: u64): void {
  const chain = room + CHAIN;
  for (let index: usize = 0; index < 8; index++)
    v128.store(chain + (index << 4), v128.load64_splat(IV + (index << 3)));
  v128.store(chain, v128.xor(v128.load(chain), i64x2.splat(word0)));
  const word1 = i64x2.replace_lane(i64x2.splat(left1), 1, right1);
  v128.store(chain, v128.xor(v128.load(chain, 16), word1), 16);
  v128.store(chain, v128.xor(v128.load(chain, 32), i64x2.splat(word2)), 32);
}

/** Output number `number` of the stream, 4096 bytes to `to`: BLAKE2Xb with the seed as its key. */
function output(seed: usize, room: usize, number: u64, to: usize): void {
  const message = room + MESSAGE;
  const length = (<u64>OUTPUT_BYTES) << 32;
  // The root: digest 64, key 64, fanout 1, depth 1; the key is the first block, the number the second.
  start(room, 0x01014040, length, length, 0);
  memory.copy(message, seed, 64);
  memory.fill(message + 64, 0, 64);
  schedule(room);
  compress(room, 128, false);
  memory.fill(message, 0, 64);
  store<u64>(message, number);
  schedule(room);
  compress(room, 136, true);
  // The leaves: digest 64, leaf length 64, inner length 64; each hashes the root, two at a time.
  for (let index: usize = 0; index < 8; index++)
    store<u64>(message + (index << 3), load<u64>(room + CHAIN + (index << 4)));
  schedule(room);
  const first = BLOCK | (BLOCK << 32);
  for (let leaf: u64 = 0; leaf < 64; leaf += 2, to += 128) {
    start(room, first, length | leaf, length | (leaf + 1), BLOCK << 8);
    compress(room, BLOCK, true);
    for (let index: usize = 0; index < 8; index++) {
      const lanes = v128.load(room + CHAIN + (index << 4));
      store<u64>(to + (index << 3), i64x2.extract_lane(lanes, 0));
      store<u64>(to + 64 + (index << 3), i64x2.extract_lane(lanes, 1));
    }
  }
}

/** The words of the stream before any is refused: `outputs` times 512 of them. */
export function expand(seed: usize, room: usize, outputs: i32, words: usize): void {
  for (let number = 0; number < outputs; number++, words += OUTPUT_BYTES)
    output(seed, room, <u64>number, words);
}

/** High half of a product. */
// @ts-ignore: decorator
@inline
function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/**
 * Makes `count` words uniform modulo the prime: those from `limit` on are replaced by the next of the stream, then all
 * are reduced.
 * @param ratio floor(2^64 / prime)
 * @param taken words of the stream taken so far; the outputs that hold further ones are made anew
 * @returns words of the stream taken in the end
 */
export function reduce(
  seed: usize,
  room: usize,
  words: usize,
  count: i32,
  prime: u64,
  ratio: u64,
  limit: u64,
  taken: i32,
): i32 {
  const end = words + ((<usize>count) << 3);
  let ready = -1;
  for (; words < end; words += 8) {
    let word = load<u64>(words);
    while (word >= limit) {
      const number = taken >> 9;
      if (number !== ready) {
        output(seed, room, <u64>number, room + OUTPUT);
        ready = number;
      }
      word = load<u64>(room + OUTPUT + ((<usize>(taken & 511)) << 3));
      taken++;
    }
    let rest = word - multiplyHigh(word, ratio) * prime;
    if (rest >= prime) rest -= prime;
    store<u64>(words, rest);
  }
  return taken;
}
