/** The functions of runtime/assembly/bits.ts and digits.ts; all numbers are byte addresses, bits or counts. */
export interface BitExports {
  copyBytes(from: number, to: number, count: number): void;
  clearBytes(at: number, count: number): void;
  pack(
    words: number,
    positions: number,
    count: number,
    dropped: number,
    bits: number,
    to: number,
    startBit: number,
  ): void;
  unpack(
    from: number,
    startBit: number,
    positions: number,
    count: number,
    dropped: number,
    bits: number,
    largest: bigint,
    half: bigint,
    upper: bigint,
    prime: bigint,
    excess: bigint,
    words: number,
  ): number;
  toDigits(
    words: number,
    lower: number,
    positions: number,
    count: number,
    prime: bigint,
    ratio: bigint,
    inverse: bigint,
    quotient: bigint,
  ): void;
  fromDigits(
    words: number,
    lower: number,
    positions: number,
    count: number,
    prime: bigint,
    ratio: bigint,
    factor: bigint,
    quotient: bigint,
  ): void;
  valueAt(from: number, startBit: number, index: number, bits: number): bigint;
}
