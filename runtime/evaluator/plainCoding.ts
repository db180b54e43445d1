import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import { CIPHERTEXT_WORDS_AT } from '../seal/envelope.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import type { Positions } from '../wire/coefficients.ts';
import type { CiphertextCoding } from './ntt.ts';
import { plainNumbers } from './plainNumbers.ts';
import type { PlainNumbers } from './plainNumbers.ts';
import { plainResidues } from './plainStream.ts';
import type { PlainDraw } from './plainStream.ts';

/**
 * Messages of a plan as ../wire/coefficients.ts says what they are, by the letter: bit by bit, in plain TypeScript, with none of
 * the code that everybody else reads and writes them with. It is what a judge goes by.
 */

/** What c1 of a seeded upload is drawn from. */
const SEED_BYTES = 32;

/** Where bits are read or written: byte by byte, the lowest bit first. */
class Bits {
  #bit = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** At most 32 bits. */
  read(count: number): number {
    let value = 0;
    for (let done = 0; done < count;) {
      const used = this.#bit % 8;
      const taken = Math.min(8 - used, count - done);
      value += ((this.#bytes[Math.floor(this.#bit / 8)]! >> used) % 2 ** taken) * 2 ** done;
      done += taken;
      this.#bit += taken;
    }
    return value;
  }

  readWide(count: number): bigint {
    const low = this.read(Math.min(count, 32));
    return count <= 32 ? BigInt(low) : BigInt(low) + (BigInt(this.read(count - 32)) << 32n);
  }

  /** At most 32 bits. */
  write(value: number, count: number): void {
    for (let done = 0, rest = value; done < count;) {
      const used = this.#bit % 8;
      const taken = Math.min(8 - used, count - done);
      this.#bytes[Math.floor(this.#bit / 8)]! += (rest % 2 ** taken) * 2 ** used;
      rest = Math.floor(rest / 2 ** taken);
      done += taken;
      this.#bit += taken;
    }
  }

  writeWide(value: bigint, count: number): void {
    this.write(Number(value & 0xffff_ffffn), Math.min(count, 32));
    if (count > 32) this.write(Number(value >> 32n), count - 32);
  }

  /** The next polynomial begins with a byte of its own. */
  finishByte(): void {
    this.#bit = this.byteOffset * 8;
  }

  get byteOffset(): number {
    return Math.ceil(this.#bit / 8);
  }
}

/** Codes uploads and responses of plans whose seeds are ours. */
export class PlainCoding implements CiphertextCoding {
  readonly #degree: number;
  readonly #primes: readonly bigint[];
  readonly #wire: PlanWire;
  readonly #publicSeed: Uint8Array | null;
  /** SEAL's envelope of a ciphertext, which every upload in turn lies in. */
  readonly #envelope: Uint8Array;

  /** @param publicSeed what c1 of uploads is drawn from where it does not travel */
  constructor(
    frame: CiphertextFrame,
    { degree, dataPrimes }: Parameters,
    wire: PlanWire,
    publicSeed: Uint8Array | null,
  ) {
    this.#degree = degree;
    this.#primes = dataPrimes.map(BigInt);
    this.#wire = wire;
    this.#publicSeed = publicSeed;
    this.#envelope = new Uint8Array(frame.byteLength);
    this.#envelope.set(frame.head);
  }

  decode(bytes: Uint8Array, index: number, read: Positions, where: string): Uint8Array {
    const { upload, uploadC0 } = this.#wire;
    const count = this.#primes.length;
    const words = new DataView(this.#envelope.buffer, CIPHERTEXT_WORDS_AT);
    this.#envelope.fill(0, CIPHERTEXT_WORDS_AT);
    const bits = new Bits(bytes);
    const numbers = plainNumbers(this.#primes, uploadC0, upload === 'hint');
    this.#readInto(words, bits, numbers, 0, this.#all(read));
    bits.finishByte();
    if (upload === 'whole') {
      this.#readInto(words, bits, plainNumbers(this.#primes, 0, false), 1, this.#all(null));
      requireEnd(bytes, bits.byteOffset, where);
      return this.#envelope;
    }
    const draw = this.#draw(bytes, bits.byteOffset, index);
    requireEnd(bytes, bits.byteOffset + (upload === 'hint' ? 0 : SEED_BYTES), where);
    this.#primes.forEach((prime, which) => {
      const residues = plainResidues(draw, which, prime, this.#degree);
      const from = this.#at(count + which, 0);
      residues.forEach((half, at) => {
        words.setUint32(from + 4 * at, half, true);
      });
    });
    return this.#envelope;
  }

  /** c0 of the results, and after it c1, whole where it does not travel: then it has to be the hint. */
  encode(envelope: Uint8Array, outputs: Positions): Uint8Array {
    const words = new DataView(envelope.buffer, envelope.byteOffset + CIPHERTEXT_WORDS_AT);
    const { upload, responseC0, responseC1 } = this.#wire;
    const halves = [
      { positions: this.#all(outputs), dropped: responseC0 },
      { positions: this.#all(null), dropped: upload === 'hint' ? 0 : responseC1 },
    ].map(({ positions, dropped }) => ({
      positions,
      numbers: plainNumbers(this.#primes, dropped, false),
    }));
    const bytes = new Uint8Array(
      halves.reduce((sum, { positions, numbers: { sizes } }) => {
        const bits = sizes.reduce((all, size) => all + size, 0);
        return sum + Math.ceil((positions.length * bits) / 8);
      }, 0),
    );
    const bits = new Bits(bytes);
    halves.forEach(({ positions, numbers }, polynomial) => {
      const first = polynomial * this.#primes.length;
      const cut = Array.from(positions, (at) =>
        numbers.cut(this.#primes.map((_, which) => words.getBigUint64(this.#at(first + which, at), true))),
      );
      numbers.sizes.forEach((size, which) => {
        for (const ofCoefficient of cut) bits.writeWide(ofCoefficient[which]!, size);
      });
      bits.finishByte();
    });
    return bytes;
  }

  /** Reads a polynomial, number by number, into the words of an envelope. */
  #readInto(
    words: DataView,
    bits: Bits,
    { sizes, restore }: PlainNumbers,
    polynomial: number,
    positions: ArrayLike<number>,
  ): void {
    const read = sizes.map((size) => Array.from(positions, () => bits.readWide(size)));
    Array.from(positions).forEach((at, index) => {
      restore(read.map((numbers) => numbers[index]!)).forEach((residue, which) => {
        words.setBigUint64(this.#at(polynomial * this.#primes.length + which, at), residue, true);
      });
    });
  }

  #draw(bytes: Uint8Array, seedAt: number, index: number): PlainDraw {
    if (this.#wire.upload !== 'hint')
      return { key: bytes.subarray(seedAt, seedAt + SEED_BYTES), domain: 'seeded', index: 0 };
    if (this.#publicSeed === null) throw internalError('uploads without c1, and nothing to draw it from');
    return { key: this.#publicSeed, domain: 'public', index };
  }

  #all(positions: Positions): ArrayLike<number> & Iterable<number> {
    return positions ?? Array.from({ length: this.#degree }, (_, at) => at);
  }

  /** Byte of a word after the envelope's head: polynomial after polynomial, prime by prime. */
  #at(component: number, coefficient: number): number {
    return 8 * (component * this.#degree + coefficient);
  }
}

function requireEnd(bytes: Uint8Array, end: number, where: string): void {
  if (bytes.length === end) return;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'not a ciphertext of this plan',
    expected: `${end} bytes`,
    found: `${bytes.length} bytes`,
  });
}
