import { internalError } from '../../base/errors.ts';
import { pairChunks, pairedStarts } from './planes.ts';
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

class BlockBuilder {
  readonly #program: ToeplitzProgram;
  readonly #planes: readonly DigitPlane[];
  readonly #laneOf: ReadonlyMap<number, Lane>;
  /** Step number + 1 by exponent, 0 where there is none; cleaned after each digit plane. */
  readonly #stepAt: Int32Array;

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
  }

  /** The block of these rows: the steps of one digit plane after the other, then where its sums are folded. */
  build(rows: readonly number[], width: 1 | 4, laneL1: number): StepBlock {
    const steps: BlockSteps = { width, planes: [], exponents: [], weights: [] };
    for (const [digitPlane, terms] of this.#termsByPlane(rows)) this.#addPlane(steps, digitPlane, terms);
    const weights = Int16Array.from(steps.weights);
    return {
      rows,
      width,
      planes: Int32Array.from(steps.planes),
      exponents: Int32Array.from(steps.exponents),
      weights,
      ...foldSteps(weights, width, laneL1),
    };
  }

  /** The steps of one digit plane: first where they start, then their weights. */
  #addPlane(steps: BlockSteps, digitPlane: number, terms: readonly BlockTerm[]): void {
    const chunks = this.#planes[digitPlane]!;
    const exponents = distinctExponents(terms);
    const starts = chunks.kind === 'self' ? pairedStarts(exponents, chunks.shift) : exponents;
    for (const exponent of starts) {
      this.#stepAt[exponent] = steps.planes.length + 1;
      steps.planes.push(digitPlane);
      steps.exponents.push(exponent);
      for (let index = 0; index < 2 * steps.width; index++) steps.weights.push(0);
    }
    for (const term of terms) this.#placeWeights(steps, chunks.kind === 'self' ? chunks.shift : 0, term);
    for (const exponent of starts) this.#stepAt[exponent] = 0;
  }

  #placeWeights(steps: BlockSteps, shift: number, { rowInBlock, side, polynomial }: BlockTerm): void {
    for (let index = 0; index < polynomial.values.length; index++) {
      const exponent = polynomial.exponents[index]!;
      const own = this.#stepAt[exponent]!;
      // A tap of a self-paired plane is the left one of its own step or the right one of the step before it.
      const step = own > 0 ? own : this.#stepAt[exponent - shift]!;
      const lane = own > 0 ? side : 1;
      steps.weights[((step - 1) * steps.width + rowInBlock) * 2 + lane] = polynomial.values[index]!;
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
}

/** Steps of a block under construction, one entry a step; of the weights two a row of the block. */
interface BlockSteps {
  readonly width: 1 | 4;
  readonly planes: number[];
  readonly exponents: number[];
  readonly weights: number[];
}

interface BlockTerm {
  /** Row within the block. */
  readonly rowInBlock: number;
  readonly side: 0 | 1;
  readonly polynomial: RingPlaintext;
}

function distinctExponents(terms: readonly { readonly polynomial: RingPlaintext }[]): number[] {
  const found = new Set<number>();
  for (const { polynomial } of terms) for (const exponent of polynomial.exponents) found.add(exponent);
  return [...found].sort((left, right) => left - right);
}

/** Cuts the steps so that within a fold the norm of every row stays within `laneL1`. */
function foldSteps(
  weights: Int16Array,
  width: number,
  laneL1: number,
): Pick<StepBlock, 'foldEnds' | 'foldL1'> {
  const foldEnds: number[] = [];
  let foldL1 = 0;
  let norms = new Float64Array(width);
  const steps = weights.length / (2 * width);
  for (let step = 0; step < steps; step++) {
    const sums = norms.map((norm, rowInBlock) => {
      const at = 2 * (step * width + rowInBlock);
      return norm + Math.abs(weights[at]!) + Math.abs(weights[at + 1]!);
    });
    if (sums.some((sum) => sum > laneL1)) {
      foldEnds.push(step);
      norms = sums.map((sum, rowInBlock) => sum - norms[rowInBlock]!);
    } else {
      norms = sums;
    }
    for (const norm of norms) foldL1 = Math.max(foldL1, norm);
  }
  if (steps > 0) foldEnds.push(steps);
  return { foldEnds, foldL1 };
}

/** The blocks for up to four neighbouring rows: together, or each alone where that is less work. */
function blocksOf(builder: BlockBuilder, rows: readonly number[], laneL1: number): StepBlock[] {
  const alone = rows.map((row) => builder.build([row], 1, laneL1));
  if (rows.length === 1) return alone;
  const together = builder.build(rows, BLOCK_ROWS, laneL1);
  const separate = alone.reduce((sum, { planes }) => sum + planes.length, 0);
  return together.planes.length * BLOCK_ROWS <= separate * SINGLE_ROW_COST ? [together] : alone;
}

function reachOf(program: ToeplitzProgram): number {
  let reach = 0;
  for (const terms of program.rows)
    for (const { plaintext } of terms)
      for (const exponent of program.plaintexts[plaintext]!.exponents) reach = Math.max(reach, exponent);
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
