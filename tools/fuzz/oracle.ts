import type { Random } from './random.ts';

/**
 * What a well-formed message is, said a second time and in the plainest way, from the description of the format: it shares
 * no code with the decoder that it judges.
 */
export interface Format {
  /** 1 upload, 3 evaluation keys. */
  readonly kind: 1 | 3;
  /** 64 hex digits. */
  readonly digest: string;
  readonly parts: readonly PartFormat[];
}

/** Coefficients of one prime. */
export interface Run {
  readonly count: number;
  readonly bits: number;
  readonly largest: bigint;
}

/** A polynomial is its coefficients packed back to back, then zero bits up to the next byte. */
export interface PartFormat {
  readonly polynomials: readonly (readonly Run[])[];
  /** Bytes of the seed that follows, any seed; 0 for none. */
  readonly seedBytes: number;
}

const MOST_BITS = 53;

function header({ kind, digest }: Format): number[] {
  return [0x43, 0x43, 0x4e, 0x56, 2, kind, 0, 0, ...Buffer.from(digest, 'hex')];
}

export function isWellFormed(bytes: Uint8Array, format: Format): boolean {
  const head = header(format);
  if (!head.every((byte, index) => bytes[index] === byte)) return false;
  let at = head.length;
  for (const { polynomials, seedBytes } of format.parts) {
    for (const runs of polynomials) {
      const bits = runs.reduce((sum, run) => sum + run.count * run.bits, 0);
      const length = Math.ceil(bits / 8);
      if (at + length > bytes.length) return false;
      if (!coefficientsFit(bytes.subarray(at, at + length), runs)) return false;
      at += length;
    }
    at += seedBytes;
  }
  return at === bytes.length;
}

/** Least significant bit first. */
function coefficientsFit(bytes: Uint8Array, runs: readonly Run[]): boolean {
  let bit = 0;
  for (const { count, bits, largest } of runs) {
    const limit = Number(largest);
    for (let index = 0; index < count; index++, bit += bits)
      if (bitsAt(bytes, bit, bits) > limit) return false;
  }
  return bitsAt(bytes, bit, 8 * bytes.length - bit) === 0;
}

/** The number that stands in `bits` bits from bit `from` on. */
function bitsAt(bytes: Uint8Array, from: number, bits: number): number {
  if (bits > MOST_BITS) throw new RangeError(`coefficients of more than ${MOST_BITS} bits`);
  let value = 0;
  let weight = 1;
  for (let at = from; at < from + bits;) {
    // What is left of this byte, or of the number.
    const taken = Math.min(8 - (at & 7), from + bits - at);
    value += ((bytes[at >> 3]! >> (at & 7)) & ((1 << taken) - 1)) * weight;
    weight *= 2 ** taken;
    at += taken;
  }
  return value;
}

/** A well-formed message with random coefficients and seeds: the same for the same random numbers. */
export function randomMessage(format: Format, random: Random): Uint8Array {
  const bytes = header(format);
  for (const { polynomials, seedBytes } of format.parts) {
    for (const runs of polynomials) packPolynomial(bytes, runs, random);
    for (let at = 0; at < seedBytes; at++) bytes.push(random.below(256));
  }
  return Uint8Array.from(bytes);
}

/** From 0 to `limit` - 1, for limits of up to 53 bits. */
function below(limit: number, random: Random): number {
  return (random.word() * 2 ** 21 + (random.word() >>> 11)) % limit;
}

function packPolynomial(bytes: number[], runs: readonly Run[], random: Random): void {
  let pending = 0;
  let used = 0;
  for (const { count, bits, largest } of runs) {
    for (let index = 0; index < count; index++) {
      let value = below(Number(largest) + 1, random);
      for (let place = 0; place < bits; place++) {
        pending |= (value % 2) << used++;
        value = Math.floor(value / 2);
        if (used < 8) continue;
        bytes.push(pending);
        pending = 0;
        used = 0;
      }
    }
  }
  if (used > 0) bytes.push(pending);
}
