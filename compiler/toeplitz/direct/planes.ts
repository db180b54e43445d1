import type { ToeplitzProgram } from '../program.ts';

/**
 * A digit plane of the direct kernel: the digits of two polynomials side by side, so that one 16-bit dot product serves two
 * taps. Either two input chunks, or one chunk and itself times X^shift, which pairs the taps at exponents n and n + shift.
 */
export type DigitPlane =
  /** Input chunk `left` in the left lanes, `right` in the right ones. */
  | { readonly kind: 'pair'; readonly left: number; readonly right: number }
  /** One chunk in the left lanes, and times X^shift in the right ones. */
  | { readonly kind: 'self'; readonly chunk: number; readonly shift: number };

/** What decides which chunks go together. */
interface ChunkUse {
  readonly chunk: number;
  /** Exponents of all rows, ascending. */
  readonly exponents: readonly number[];
  /** How it is paired with its own shift, and the steps that takes. */
  readonly alone: { readonly shift: number; readonly steps: number };
  /** The first and the last row that read it. */
  readonly first: number;
  readonly last: number;
}

/** Chunks looked at for a partner; further ones have the same taps over and over. */
const PARTNERS = 16;
/** Shifts tried for a chunk on its own. */
const SHIFTS = 8;

function chunkUses(program: ToeplitzProgram): ChunkUse[] {
  const uses = new Map<number, { isUsed: Uint8Array; first: number; last: number }>();
  program.rows.forEach((terms, row) => {
    for (const { chunk, plaintext } of terms) {
      const use = uses.get(chunk) ?? { isUsed: new Uint8Array(program.degree), first: row, last: row };
      uses.set(chunk, use);
      const { exponents } = program.plaintexts[plaintext]!;
      const { length } = exponents;
      for (let index = 0; index < length; index++) use.isUsed[exponents[index]!] = 1;
      use.last = row;
    }
  });
  return [...uses]
    .sort(([left], [right]) => left - right)
    .map(([chunk, { isUsed, first, last }]) => {
      const ascending: number[] = [];
      isUsed.forEach((used, exponent) => {
        if (used === 1) ascending.push(exponent);
      });
      return { chunk, exponents: ascending, alone: bestShift(ascending), first, last };
    });
}

/** Whether mostly the same rows read both; a weight that is 0 may make a row skip a chunk. */
function haveSameReaders(left: ChunkUse, right: ChunkUse): boolean {
  const shared = Math.min(left.last, right.last) - Math.max(left.first, right.first) + 1;
  return 2 * shared > Math.max(left.last - left.first, right.last - right.first) + 1;
}

/** Size of the union of two ascending lists. */
function unionSize(left: readonly number[], right: readonly number[]): number {
  let [a, b, size] = [0, 0, 0];
  for (; a < left.length || b < right.length; size++) {
    const [x, y] = [left[a] ?? Infinity, right[b] ?? Infinity];
    if (x <= y) a++;
    if (y <= x) b++;
  }
  return size;
}

/**
 * Exponents of the steps that cover all taps of a chunk paired with its own shift, a step taking n and n + shift;
 * greedily from below, which is the fewest.
 * @param exponents ascending, distinct
 */
function pairedStarts(exponents: readonly number[], shift: number): number[] {
  const covered = new Set<number>();
  return exponents.filter((exponent) => {
    if (covered.has(exponent)) return false;
    covered.add(exponent + shift);
    return true;
  });
}

/** The shift that pairs most taps of a chunk; 1 where there is nothing to pair. */
function bestShift(exponents: readonly number[]): { shift: number; steps: number } {
  let best = { shift: 1, steps: pairedStarts(exponents, 1).length };
  for (const exponent of exponents.slice(1, 1 + SHIFTS)) {
    const shift = exponent - exponents[0]!;
    const steps = pairedStarts(exponents, shift).length;
    if (steps < best.steps) best = { shift, steps };
  }
  return best;
}

/**
 * Pairs the chunks that the program reads: each with the one of the following, read by mostly the same rows, that shares most
 * exponents, or with itself where that takes fewer steps. Deterministic.
 */
export function pairChunks(program: ToeplitzProgram): DigitPlane[] {
  const waiting = chunkUses(program);
  const planes: DigitPlane[] = [];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const use = next;
    const { chunk, exponents, alone } = use;
    let partner = -1;
    let fewest = Infinity;
    waiting.slice(0, PARTNERS).forEach((other, index) => {
      if (!haveSameReaders(use, other)) return;
      const steps = unionSize(exponents, other.exponents);
      // Not more than what the two take on their own.
      if (steps < fewest && steps <= alone.steps + other.alone.steps) {
        fewest = steps;
        partner = index;
      }
    });
    const found = waiting[partner];
    if (found === undefined) {
      planes.push({ kind: 'self', chunk, shift: alone.shift });
    } else {
      waiting.splice(partner, 1);
      planes.push({ kind: 'pair', left: chunk, right: found.chunk });
    }
  }
  return planes;
}
