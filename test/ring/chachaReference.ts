/** ChaCha20 and the drawing of runtime/ring/draw.ts by the letter, one word after another: what the fast code is held against. */

function rotate(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0;
}

function quarter(x: Uint32Array, [a, b, c, d]: readonly [number, number, number, number]): void {
  const step = (left: number, right: number, to: number, bits: number): void => {
    x[left] = x[left]! + x[right]!;
    x[to] = rotate(x[to]! ^ x[left], bits);
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** One block of 64 bytes, RFC 8439 section 2.3, with a counter of 64 bits and a nonce of two words. */
export function chachaBlock(key: Uint8Array, counter: bigint, nonce: readonly [number, number]): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, 32);
  const start = Uint32Array.from([
    ...new Uint32Array(new TextEncoder().encode('expand 32-byte k').buffer),
    ...Array.from({ length: 8 }, (_, index) => view.getUint32(4 * index, true)),
    Number(counter & 0xffffffffn),
    Number(counter >> 32n),
    ...nonce,
  ]);
  const x = start.slice();
  for (let round = 0; round < 10; round++) for (const indices of QUARTERS) quarter(x, indices);
  const block = new Uint8Array(64);
  const out = new DataView(block.buffer);
  start.forEach((word, index) => {
    out.setUint32(4 * index, (x[index]! + word) >>> 0, true);
  });
  return block;
}

/** `count` residues below `prime`, as the head of runtime/ring/draw.ts says. */
export function uniformReference(
  key: Uint8Array,
  nonce: readonly [number, number],
  prime: bigint,
  count: number,
): bigint[] {
  const mask = (1n << BigInt(prime.toString(2).length)) - 1n;
  const bytes = prime < 2n ** 31n ? 4 : 8;
  const found: bigint[] = [];
  for (let counter = 0n; found.length < count; counter++) {
    const view = new DataView(chachaBlock(key, counter, nonce).buffer);
    for (let at = 0; at < 64 && found.length < count; at += bytes) {
      const word = bytes === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
      const value = word & mask;
      if (value < prime) found.push(value);
    }
  }
  return found;
}
