import { internalError } from '../../base/errors.ts';
import { pairChunks } from './planes.ts';
import type { DigitPlane } from './planes.ts';
import { computedRows } from '../program.ts';
import type { RingPlaintext, ToeplitzProgram } from '../program.ts';

/**
 * The steps of the direct kernel. A step multiplies the pairs of one digit plane, shifted by one exponent, with a pair of
 * weights for each row of its block: result[row] += (w_left, w_right) . digitPlane * X^exponent. Four rows share a
 * block, so that each loaded vector is used four times, unless their taps differ so that one by one is less work. All
 * block groups share the steps, as they share the program's matrix.
 */
export interface StepBlock {
  /** Program rows, ascending, all with terms: one, or two to four. */
  readonly rows: readonly number[];
  /** Rows that the kernel computes: 1 or 4, the last of them zero where `rows` are fewer. */
  readonly width: 1 | 4;
  readonly planes: Int32Array;
  readonly exponents: Int32Array;
  /** [step][row of the block][left, right]. */
  readonly weights: Int16Array;
  /** Where the folds end, exclusive, ascending: within a fold no row's weights exceed the lane's norm. */
  readonly foldEnds: readonly number[];
  /** Largest L1 norm of a row within a fold. */
  readonly foldL1: number;
}

export interface StepSchedule {
  readonly planes: readonly DigitPlane[];
  readonly blocks: readonly StepBlock[];
  /** Largest exponent of a weight: how far planes reach before coefficient 0, at most. */
  readonly reach: number;
  /** Most folds of a block; 0 without steps. */
  readonly folds: number;
  /** Largest L1 norm of a row's weights within one fold. */
  readonly foldL1: number;
}

/** Rows in one block; what the kernel's registers hold. */
export const BLOCK_ROWS = 4;

/** A row on its own reads every digit plane once more: worth a few steps. */
const SINGLE_ROW_COST = 1.1;

/** Which digit plane and lane holds a chunk. */
interface Lane {
  readonly digitPlane: number;
  readonly side: 0 | 1;
}

/** The steps of one digit plane of a block: where they start, and what multiplies there. */
interface PlaneSteps {
  readonly digitPlane: number;
  /** Exponents that steps start at, ascending. */
  readonly starts: Int32Array;
  readonly terms: readonly BlockTerm[];
}

class BlockBuilder {
  readonly #program: ToeplitzProgram;
  readonly #planes: readonly DigitPlane[];
  readonly #laneOf: ReadonlyMap<number, Lane>;
  /** Step number + 1 by exponent, 0 where there is none; cleaned after each digit plane. */
  readonly #stepAt: Int32Array;
  /** Exponents that a term or an earlier step has; cleaned after each use. */
  readonly #isTaken: Uint8Array;

  constructor(program: ToeplitzProgram, planes: readonly DigitPlane[]) {
    this.#program = program;
    this.#planes = planes;
    this.#laneOf = new Map(
      planes.flatMap((chunks, digitPlane): [number, Lane][] =>
        chunks.kind === 'self'
          ? [[chunks.chunk, { digitPlane, side: 0 }]]
          : [
              [chunks.left, { digitPlane, side: 0 }],
              [chunks.right, { digitPlane, side: 1 }],
            ],
      ),
    );
    this.#stepAt = new Int32Array(program.degree);
    this.#isTaken = new Uint8Array(program.degree);
  }

  /** Where the steps of a block of these rows start, one digit plane after the other. */
  plan(rows: readonly number[]): PlaneSteps[] {
    return this.#termsByPlane(rows).map(([digitPlane, terms]) => {
      const chunks = this.#planes[digitPlane]!;
      const exponents = this.#distinctExponents(terms);
      const starts = chunks.kind === 'self' ? this.#pairedStarts(exponents, chunks.shift) : exponents;
      return { digitPlane, starts, terms };
    });
  }

  /** Steps that the rows of a planned block take at least when each is a block of its own: a bound that needs no plan. */
  fewestAlone(planned: readonly PlaneSteps[]): number {
    let fewest = 0;
    for (const { digitPlane, terms } of planned) {
      const halves = this.#planes[digitPlane]!.kind === 'self' ? 2 : 1;
      const longest = new Array<number>(BLOCK_ROWS).fill(0);
      for (const { rowInBlock, polynomial } of terms)
        longest[rowInBlock] = Math.max(longest[rowInBlock]!, polynomial.exponents.length);
      for (const taps of longest) fewest += Math.ceil(taps / halves);
    }
    return fewest;
  }

  /** The block of these rows, and where its sums are folded. */
  build(rows: readonly number[], planned: readonly PlaneSteps[], width: 1 | 4, laneL1: number): StepBlock {
    const count = stepCount(planned);
    const planes = new Int32Array(count);
    const exponents = new Int32Array(count);
    const weights = new Int16Array(2 * width * count);
    let first = 0;
    for (const { digitPlane, starts, terms } of planned) {
      planes.fill(digitPlane, first, first + starts.length);
      exponents.set(starts, first);
      for (let index = 0; index < starts.length; index++) this.#stepAt[starts[index]!] = first + index + 1;
      const chunks = this.#planes[digitPlane]!;
      const shift = chunks.kind === 'self' ? chunks.shift : 0;
      for (const term of terms) this.#placeWeights(weights, width, shift, term);
      for (const exponent of starts) this.#stepAt[exponent] = 0;
      first += starts.length;
    }
    return { rows, width, planes, exponents, weights, ...foldSteps(weights, width, laneL1) };
  }

  #placeWeights(
    weights: Int16Array,
    width: number,
    shift: number,
    { rowInBlock, side, polynomial }: BlockTerm,
  ): void {
    const { exponents, values } = polynomial;
    const stepAt = this.#stepAt;
    for (let index = 0; index < values.length; index++) {
      const exponent = exponents[index]!;
      const own = stepAt[exponent]!;
      // A tap of a self-paired plane is the left one of its own step or the right one of the step before it.
      const step = own > 0 ? own : stepAt[exponent - shift]!;
      const lane = own > 0 ? side : 1;
      weights[((step - 1) * width + rowInBlock) * 2 + lane] = values[index]!;
    }
  }

  #termsByPlane(rows: readonly number[]): [digitPlane: number, terms: BlockTerm[]][] {
    const parts = new Map<number, BlockTerm[]>();
    rows.forEach((row, rowInBlock) => {
      for (const { chunk, plaintext } of this.#program.rows[row]!) {
        const lane = this.#laneOf.get(chunk);
        if (lane === undefined) throw internalError(`chunk ${chunk} has no plane`);
        const { digitPlane, side } = lane;
        const term = { rowInBlock, side, polynomial: this.#program.plaintexts[plaintext]! };
        const list = parts.get(digitPlane);
        if (list === undefined) parts.set(digitPlane, [term]);
        else list.push(term);
      }
    });
    return [...parts].sort(([left], [right]) => left - right);
  }

  /** Exponents of all terms, ascending, each once. Mostly the longest term has them all. */
  #distinctExponents(terms: readonly BlockTerm[]): Int32Array {
    const isTaken = this.#isTaken;
    let longest = terms[0]!.polynomial.exponents;
    for (const { polynomial } of terms)
      if (polynomial.exponents.length > longest.length) longest = polynomial.exponents;
    const { length: most } = longest;
    for (let index = 0; index < most; index++) isTaken[longest[index]!] = 1;
    const others: number[] = [];
    for (const { polynomial } of terms) {
      const { exponents } = polynomial;
      const { length } = exponents;
      for (let index = 0; index < length; index++) {
        const exponent = exponents[index]!;
        if (isTaken[exponent] === 1) continue;
        isTaken[exponent] = 1;
        others.push(exponent);
      }
    }
    for (let index = 0; index < most; index++) isTaken[longest[index]!] = 0;
    if (others.length === 0) return longest;
    for (const exponent of others) isTaken[exponent] = 0;
    const found = new Int32Array(longest.length + others.length);
    found.set(longest);
    found.set(others, longest.length);
    return found.sort();
  }

  /** `pairedStarts` of planes.ts, without a set. */
  #pairedStarts(exponents: Int32Array, shift: number): Int32Array {
    const isCovered = this.#isTaken;
    const starts = exponents.filter((exponent) => {
      if (isCovered[exponent] === 1) return false;
      // Past the ring the entry is left out, and no exponent is there.
      isCovered[exponent + shift] = 1;
      return true;
    });
    for (const start of starts) isCovered[start + shift] = 0;
    return starts;
  }
}

function stepCount(planned: readonly PlaneSteps[]): number {
  return planned.reduce((sum, { starts }) => sum + starts.length, 0);
}

interface BlockTerm {
  /** Row within the block. */
  readonly rowInBlock: number;
  readonly side: 0 | 1;
  readonly polynomial: RingPlaintext;
}

/** Cuts the steps so that within a fold the norm of every row stays within `laneL1`. */
function foldSteps(
  weights: Int16Array,
  width: number,
  laneL1: number,
): Pick<StepBlock, 'foldEnds' | 'foldL1'> {
  const foldEnds: number[] = [];
  let foldL1 = 0;
  const norms = new Float64Array(width);
  const own = new Float64Array(width);
  const steps = weights.length / (2 * width);
  for (let step = 0; step < steps; step++) {
    let isOver = false;
    for (let row = 0; row < width; row++) {
      const at = 2 * (step * width + row);
      own[row] = Math.abs(weights[at]!) + Math.abs(weights[at + 1]!);
      if (norms[row]! + own[row]! > laneL1) isOver = true;
    }
    if (isOver) {
      foldEnds.push(step);
      norms.fill(0);
    }
    for (let row = 0; row < width; row++) {
      norms[row] = norms[row]! + own[row]!;
      foldL1 = Math.max(foldL1, norms[row]!);
    }
  }
  if (steps > 0) foldEnds.push(steps);
  return { foldEnds, foldL1 };
}

/** The blocks for up to four neighbouring rows: together, or each alone where that is less work. */
function blocksOf(builder: BlockBuilder, rows: readonly number[], laneL1: number): StepBlock[] {
  const together = builder.plan(rows);
  if (rows.length > 1 && stepCount(together) * BLOCK_ROWS <= builder.fewestAlone(together) * SINGLE_ROW_COST)
    return [builder.build(rows, together, BLOCK_ROWS, laneL1)];
  const alone = rows.map((row) => builder.plan([row]));
  const separate = alone.reduce((sum, planned) => sum + stepCount(planned), 0);
  if (rows.length > 1 && stepCount(together) * BLOCK_ROWS <= separate * SINGLE_ROW_COST)
    return [builder.build(rows, together, BLOCK_ROWS, laneL1)];
  return alone.map((planned, index) => builder.build([rows[index]!], planned, 1, laneL1));
}

function reachOf(program: ToeplitzProgram): number {
  let reach = 0;
  for (const terms of program.rows)
    for (const { plaintext } of terms)
      reach = Math.max(reach, program.plaintexts[plaintext]!.exponents.at(-1) ?? 0);
  return reach;
}

/**
 * The steps of a program, deterministic.
 * @param laneL1 largest norm of the weights that one fold may sum; at least two weights' worth
 */
export function scheduleSteps(program: ToeplitzProgram, laneL1: number): StepSchedule {
  const rows = computedRows(program);
  const planes = pairChunks(program);
  const builder = new BlockBuilder(program, planes);
  const blocks: StepBlock[] = [];
  for (let first = 0; first < rows.length; first += BLOCK_ROWS)
    blocks.push(...blocksOf(builder, rows.slice(first, first + BLOCK_ROWS), laneL1));
  let folds = 0;
  let foldL1 = 0;
  for (const block of blocks) {
    folds = Math.max(folds, block.foldEnds.length);
    foldL1 = Math.max(foldL1, block.foldL1);
  }
  return { planes, blocks, reach: reachOf(program), folds, foldL1 };
}
