import { internalError } from '../base/errors.ts';
import { denseLayout, elementsOf, firstLayout, gather } from './placement.ts';
import type { Placement, StageChoice, StageLayout } from './placement.ts';
import { resultsOf } from './results.ts';
import type { NetworkResults } from './results.ts';
import { lastStage } from './spec.ts';
import type { LinearStage, NetworkSpec } from './spec.ts';
import { inputElements, inputPlaces } from './inputPlaces.ts';

/**
 * The executable form of a network: steps on one current ciphertext, a pure function of the plan. Slots, rotations and
 * the exchange of slot rows are those of rings/slots.ts. Weights are integers; each plain modulus takes its residues.
 */
export interface NetworkProgram {
  /** N. */
  readonly degree: number;
  /** For every ciphertext that the client sends, the input element in every slot, -1 for 0. */
  readonly inputs: readonly Int32Array[];
  /** Integers, one a slot. */
  readonly plaintexts: readonly Float64Array[];
  readonly steps: readonly NetworkStep[];
  /** For every stage but the last the element in every slot after it, -1 for none: what verify proves. */
  readonly places: readonly Int32Array[];
  /** Where the logits stand. */
  readonly results: NetworkResults;
}

/** One step: what becomes of the current ciphertext. */
export type NetworkStep =
  /**
   * Sum over giants of rot(sum over terms of plaintext * rot(source)); sources are the inputs, or the one ciphertext. Data
   * primes are dropped between: rotated sources keep the noise of their key switch out of the products that way, and
   * rotations of products cost less.
   */
  | { readonly kind: 'products'; readonly giants: readonly NetworkGiant[]; readonly drops: NetworkDrops }
  /** Itself plus itself rotated by `step`; 0: plus itself with the slot rows exchanged. */
  | { readonly kind: 'fold'; readonly step: number }
  /** Plus a plaintext. */
  | { readonly kind: 'add'; readonly plaintext: number }
  /** Every slot squared, back to two polynomials. */
  | { readonly kind: 'square' }
  /**
   * Plus fresh random residues in all slots, whose sum over the slots of a logit is its bias: partial sums never leave.
   * Integers, one a logit.
   */
  | { readonly kind: 'mask'; readonly bias: readonly number[] };

/** Data primes that are dropped within products: the last ones. */
interface NetworkDrops {
  /** Of every source, after its rotation and before it is multiplied. */
  readonly sources: number;
  /** Of every giant, before its rotation. */
  readonly giants: number;
}

const NO_DROPS: NetworkDrops = { sources: 0, giants: 0 };

/** Terms that are rotated together, after their products: left by `step`, 0 to N/2 - 1. */
interface NetworkGiant {
  readonly step: number;
  readonly terms: readonly NetworkTerm[];
}

/** One product: the source, rotated left by `baby`, times a plaintext. */
interface NetworkTerm {
  readonly source: number;
  readonly baby: number;
  readonly plaintext: number;
}

/** Data primes at the products of a stage, and at its sums, its bias and its square. */
export interface StagePrimes {
  /** At its products; what they multiply was rotated under as many as the stage before has at its sums. */
  readonly products: number;
  /** After them: where their sums are rotated. */
  readonly sums: number;
}

/** The layouts of all stages; null where one does not fit. */
export function layoutsOf(
  spec: NetworkSpec,
  degree: number,
  choices: readonly StageChoice[],
): StageLayout[] | null {
  const layouts: StageLayout[] = [];
  for (const [index, stage] of spec.stages.entries()) {
    const before = layouts.at(-1)?.output;
    const choice = choices[index - 1];
    const layout =
      before === undefined || choice === undefined
        ? firstLayout(stage.outputs, Math.log2(degree))
        : denseLayout(before, stage.outputs, choice);
    if (layout === null) return null;
    layouts.push(layout);
  }
  return layouts;
}

/** Entries of the longest row: as many inputs as the client puts where one output is summed. */
export function longestRow({ starts }: LinearStage): number {
  return starts.reduce((most, start, row) => Math.max(most, start - (starts[row - 1] ?? 0)), 0);
}

/** Inputs of every row that one ciphertext holds: one for each setting of the bits that are summed over. */
export function tapsPerCiphertext({ folds }: StageLayout): number {
  return 2 ** folds.length;
}

class ProgramBuilder {
  readonly plaintexts: Float64Array[] = [];
  readonly steps: NetworkStep[] = [];
  readonly #degree: number;

  constructor(degree: number) {
    this.#degree = degree;
  }

  plaintext(values: Float64Array): number {
    return this.plaintexts.push(values) - 1;
  }

  /** Slot `slot` moved by `by` within its row. */
  moved(slot: number, by: number): number {
    const half = this.#degree / 2;
    return (slot & half) + (((((slot & (half - 1)) + by) % half) + half) % half);
  }

  fold(bit: number): void {
    this.steps.push({ kind: 'fold', step: 2 ** bit === this.#degree / 2 ? 0 : 2 ** bit });
  }
}

/** The inputs as the client places them, and their products. */
function firstProducts(
  builder: ProgramBuilder,
  stage: LinearStage,
  layout: StageLayout,
  degree: number,
): Int32Array[] {
  const inputs = inputElements(inputPlaces(stage), degree);
  const taps = tapsPerCiphertext(layout);
  const ascending = layout.folds.toReversed();
  const terms = inputs.flatMap((elements, source): NetworkTerm[] => {
    const values = Float64Array.from(elements, (element, slot) => {
      const entry = stage.starts[gather(slot, layout.outputBits)]! + source * taps + gather(slot, ascending);
      return element < 0 ? 0 : stage.weights[entry]!;
    });
    return values.some((value) => value !== 0)
      ? [{ source, baby: 0, plaintext: builder.plaintext(values) }]
      : [];
  });
  if (terms.length > 0)
    builder.steps.push({ kind: 'products', giants: [{ step: 0, terms }], drops: NO_DROPS });
  return inputs;
}

/** The rows of a stage, written out: row by row, `inputs` numbers each. */
function denseRows(stage: LinearStage): Float64Array {
  const rows = new Float64Array(stage.outputs * stage.inputs);
  for (let row = 0; row < stage.outputs; row++)
    for (let entry = stage.starts[row]!; entry < stage.starts[row + 1]!; entry++)
      rows[row * stage.inputs + stage.columns[entry]!] = stage.weights[entry]!;
  return rows;
}

/** The slot vector of distance number `offset`: in every slot the weight of the input that stands so far away. */
function offsetWeights(
  builder: ProgramBuilder,
  rows: Float64Array,
  { outputs, inputs }: LinearStage,
  placed: { readonly elements: Int32Array; readonly output: Int32Array; readonly distance: number },
): Float64Array {
  return Float64Array.from(placed.output, (row, slot) => {
    if (row < 0 || row >= outputs) return 0;
    const element = placed.elements[builder.moved(slot, placed.distance)]!;
    return element < 0 ? 0 : rows[row * inputs + element]!;
  });
}

/** The output that a slot contributes to, -1 for none. */
function outputOfSlot(layout: StageLayout, input: Placement, degree: number): Int32Array {
  // Bits that are junk before and after are no place for a sum; summed ones are all visited.
  const idle = input.roles.reduce(
    (mask, role, bit) => (role === 'junk' && !layout.outputBits.includes(bit) ? mask + 2 ** bit : mask),
    0,
  );
  return Int32Array.from({ length: degree }, (_, slot) =>
    (slot & idle) === 0 ? gather(slot, layout.outputBits) : -1,
  );
}

function denseProducts(
  builder: ProgramBuilder,
  stage: LinearStage,
  layout: StageLayout,
  input: Placement,
  babies: number,
): void {
  const rows = denseRows(stage);
  const elements = elementsOf(input);
  const half = elements.length / 2;
  const output = outputOfSlot(layout, input, elements.length);
  const giants: NetworkGiant[] = [];
  for (let first = 0; first < layout.offsets; first += babies) {
    const step = (((first * layout.stride) % half) + half) % half;
    const terms: NetworkTerm[] = [];
    for (let offset = first; offset < Math.min(first + babies, layout.offsets); offset++) {
      const distance = offset * layout.stride;
      const values = offsetWeights(builder, rows, stage, { elements, output, distance });
      if (values.every((value) => value === 0)) continue;
      // Rotated left by `step` afterwards, so placed that much to the right now.
      const shifted = values.map((_, slot) => values[builder.moved(slot, -first * layout.stride)]!);
      const baby = ((((offset - first) * layout.stride) % half) + half) % half;
      terms.push({ source: 0, baby, plaintext: builder.plaintext(shifted) });
    }
    if (terms.length > 0) giants.push({ step, terms });
  }
  if (giants.length > 0) builder.steps.push({ kind: 'products', giants, drops: NO_DROPS });
}

/**
 * The program of a network, without steps that drop primes.
 * @throws CipherconvError `internal` for choices that do not fit.
 */
export function buildNetworkProgram(
  spec: NetworkSpec,
  degree: number,
  choices: readonly StageChoice[],
): NetworkProgram {
  const layouts = layoutsOf(spec, degree, choices);
  if (layouts === null) throw internalError('a layout that does not fit the network');
  const builder = new ProgramBuilder(degree);
  let inputs: Int32Array[] = [];
  const places = layouts.flatMap((layout, index) => {
    const stage = spec.stages[index]!;
    const before = layouts[index - 1]?.output;
    if (before === undefined) {
      inputs = firstProducts(builder, stage, layout, degree);
    } else {
      builder.steps.push({ kind: 'square' });
      denseProducts(builder, stage, layout, before, choices[index - 1]!.babies);
    }
    if (index === layouts.length - 1) return [];
    for (const bit of layout.folds) builder.fold(bit);
    const elements = elementsOf(layout.output);
    if (stage.bias.some((value) => value !== 0)) {
      const values = Float64Array.from(elements, (element) => (element < 0 ? 0 : stage.bias[element]!));
      builder.steps.push({ kind: 'add', plaintext: builder.plaintext(values) });
    }
    return [elements];
  });
  const { bias, outputs } = lastStage(spec);
  builder.steps.push({ kind: 'mask', bias });
  const results = resultsOf(layouts[layouts.length - 1]!, outputs);
  return { degree, inputs, plaintexts: builder.plaintexts, steps: builder.steps, places, results };
}

/** The steps with data primes dropped as `primes` says: before the products of a stage are made, and before their sums are rotated. */
export function stepsWithDrops(program: NetworkProgram, primes: readonly StagePrimes[]): NetworkStep[] {
  let stage = -1;
  return program.steps.map((step) => {
    if (step.kind !== 'products') return step;
    stage++;
    const [before, now] = [primes[stage - 1], primes[stage]!];
    const sources = before === undefined ? 0 : before.sums - now.products;
    return { ...step, drops: { sources, giants: now.products - now.sums } };
  });
}
