import { lazyModule } from '../wasm.ts';
import type { WasmModule } from '../wasm.ts';
import type { BitExports } from '../bitExports.ts';
import { RING_WASM } from './ring.gen.ts';

/** The functions of runtime/assembly/ring.ts; all numbers are byte addresses, counts, bits or primes below 2^31. */
export interface RingExports extends BitExports {
  forward(values: number, roots: number, quotients: number, degree: number, prime: number): void;
  inverse(values: number, roots: number, quotients: number, degree: number, prime: number): void;
  scale(values: number, factors: number, quotients: number, degree: number, prime: number): void;
  multiplyAdd(
    values: number,
    factors: number,
    quotients: number,
    sums: number,
    degree: number,
    prime: number,
  ): void;
  chacha(state: number, to: number): void;
  uniformWords(state: number, room: number, words: number, count: number, prime: bigint): void;
  ternary(state: number, room: number, values: number, count: number): void;
  errors(state: number, room: number, values: number, count: number): void;
  narrowWords(words: number, values: number, degree: number): void;
  widenValues(values: number, words: number, degree: number): void;
  liftSmall(small: number, values: number, degree: number, prime: number): void;
  joinTwo(first: number, second: number, words: number, degree: number, record: number): void;
  gather(words: number, positions: number, count: number, to: number, isWide: boolean): void;
  toLane(
    words: number,
    values: number,
    degree: number,
    record: number,
    lanePrime: bigint,
    ratio: bigint,
    primeInLane: bigint,
  ): void;
  joinThree(
    first: number,
    second: number,
    third: number,
    words: number,
    degree: number,
    record: number,
  ): void;
  storeKey(
    values: number,
    key: number,
    degree: number,
    prime: bigint,
    inverse: bigint,
    quotient: bigint,
    ratio: bigint,
  ): void;
  gatherMasks(
    words: number,
    errors: number,
    positions: number,
    count: number,
    to: number,
    prime: bigint,
    isWide: boolean,
  ): void;
  encode(
    values: number,
    masks: number,
    isWide: boolean,
    count: number,
    scaling: number,
    rounding: bigint,
    words: number,
  ): void;
  largestNoise(words: number, count: number, scaling: number): bigint;
  addMasks(words: number, masks: number, isWide: boolean, count: number, prime: bigint): void;
  decryptNarrow(
    from: number,
    startBit: number,
    masks: number,
    count: number,
    dropped: number,
    bits: number,
    largest: number,
    half: number,
    scaling: number,
    base: number,
    low: number,
    values: number,
  ): number;
  scaleDown(words: number, count: number, scaling: number, base: bigint, low: number, values: number): void;
}

export type RingModule = WasmModule<RingExports>;

/** Compiles the module on the first call. */
export const loadRing: () => Promise<RingModule> = lazyModule(RING_WASM);
