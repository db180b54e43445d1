import { reject, requireEqual } from '../base/reject.ts';
import type { NetworkProgram, NetworkStep } from './program.ts';
import { summedSlots } from './results.ts';
import { lastStage } from './spec.ts';
import type { LinearStage, NetworkSpec } from './spec.ts';

/** The linear part of a stage, as the program has it. */
interface StageSteps {
  readonly giants: Extract<NetworkStep, { kind: 'products' }>['giants'];
  /** Steps of the folds, in order. */
  readonly folds: readonly number[];
  /** One a slot; null: none. */
  readonly bias: Float64Array | null;
}

/**
 * The stages of the program: products, folds and at most one addition each, squares between them; the last one has products
 * and a mask.
 */
function splitStages(program: NetworkProgram): StageSteps[] {
  const stages: StageSteps[] = [];
  let [giants, folds, bias]: [StageSteps['giants'], number[], Float64Array | null] = [[], [], null];
  const order: string[] = [];
  const end = (): void => {
    if (!/^products( fold)*( add)? square$|^products mask$/.test(order.join(' ')))
      reject('program', 'a stage in another order', 'products, folds, bias, square', order.join(' '));
    stages.push({ giants, folds, bias });
    [giants, folds, bias] = [[], [], null];
    order.length = 0;
  };
  for (const step of program.steps) {
    order.push(step.kind);
    if (step.kind === 'products') giants = step.giants;
    else if (step.kind === 'fold') folds.push(step.step);
    else if (step.kind === 'add') bias = program.plaintexts[step.plaintext]!;
    else end();
  }
  const masks = program.steps.filter(({ kind }) => kind === 'mask');
  if (masks.length !== 1 || program.steps.at(-1)?.kind !== 'mask')
    reject('program', 'partial sums would leave', 'a mask at the end', String(program.steps.at(-1)?.kind));
  return stages;
}

/** The slot whose value stands in `slot` after a rotation to the left by `step`; 0: none, or the exchange. */
class Slots {
  readonly #half: number;

  constructor(degree: number) {
    this.#half = degree / 2;
  }

  rotated(slot: number, step: number): number {
    const row = slot < this.#half ? 0 : this.#half;
    return row + ((slot - row + step) % this.#half);
  }

  exchanged(slot: number): number {
    return slot < this.#half ? slot + this.#half : slot - this.#half;
  }

  /** The slots that folds add up in `slot`, each as often as it is added. */
  folded(slot: number, folds: readonly number[]): number[] {
    return folds.reduceRight(
      (slots, step) => [
        ...slots,
        ...slots.map((at) => (step === 0 ? this.exchanged(at) : this.rotated(at, step))),
      ],
      [slot],
    );
  }
}

/** What a slot holds before the products: the element of a source; -1 for what must not count. */
type Sources = readonly Int32Array[];

/** Compares the linear forms of slots with rows of the matrix. */
class StageVerifier {
  readonly #slots: Slots;
  readonly #program: NetworkProgram;
  readonly #stage: LinearStage;
  readonly #steps: StageSteps;
  readonly #sources: Sources;
  readonly #form: Float64Array;

  constructor(program: NetworkProgram, stage: LinearStage, steps: StageSteps, sources: Sources) {
    this.#slots = new Slots(program.degree);
    this.#program = program;
    this.#stage = stage;
    this.#steps = steps;
    this.#sources = sources;
    this.#form = new Float64Array(stage.inputs);
  }

  /** That `slot` holds row `row` after the stage. */
  verify(slot: number, row: number): void {
    this.verifySum(this.#slots.folded(slot, this.#steps.folds), row, this.#steps.bias?.[slot] ?? 0);
  }

  /** That row `row` is what products leave in these slots together, and `added`. */
  verifySum(slots: readonly number[], row: number, added: number): void {
    const touched: number[] = [];
    for (const summed of slots) this.#addProducts(summed, touched);
    const { starts, columns, weights, bias, name } = this.#stage;
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++)
      this.#form[columns[entry]!]! -= weights[entry]!;
    const wrong = [...touched, ...columns.slice(starts[row], starts[row + 1])].find(
      (column) => this.#form[column] !== 0,
    );
    if (wrong !== undefined)
      reject(
        name,
        'the program computes another linear map',
        `row ${row}`,
        `slot ${slots[0]}, input ${wrong}`,
      );
    if (added !== bias[row]) reject(name, 'another bias', String(bias[row]), `${added} in slot ${slots[0]}`);
    for (const column of touched) this.#form[column] = 0;
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) this.#form[columns[entry]!] = 0;
  }

  #addProducts(slot: number, touched: number[]): void {
    for (const { step, terms } of this.#steps.giants) {
      const before = this.#slots.rotated(slot, step);
      for (const { source, baby, plaintext } of terms) {
        const weight = this.#program.plaintexts[plaintext]![before]!;
        if (weight === 0) continue;
        const element = this.#sources[source]![this.#slots.rotated(before, baby)]!;
        if (element < 0)
          reject(this.#stage.name, 'a slot is read that holds no element', 'weight 0', `slot ${before}`);
        this.#form[element]! += weight;
        touched.push(element);
      }
    }
  }
}

/**
 * Proves that the program computes the network, stage by stage and exhaustively: for every slot of which the program says
 * that it holds an element (`places`), the linear form over the stage's inputs is rebuilt backwards from the rotations and
 * plaintexts alone and compared with the row of the matrix, nothing missing and nothing extra. A stage reads only slots
 * that are proved. Of the last stage each logit is what its slots hold together, and no slot belongs to two. Integers, so it
 * holds modulo every t.
 * @throws CipherconvError `plan-rejected`.
 */
export function verifyNetworkProgram(spec: NetworkSpec, program: NetworkProgram): void {
  const stages = splitStages(program);
  requireEqual('program.stages', spec.stages.length, stages.length);
  let sources: Sources = program.inputs;
  requireEqual('program.places', spec.stages.length - 1, program.places.length);
  program.places.forEach((places, index) => {
    const verifier = new StageVerifier(program, spec.stages[index]!, stages[index]!, sources);
    places.forEach((row, slot) => {
      if (row >= 0) verifier.verify(slot, row);
    });
    sources = [places];
  });
  const last = lastStage(spec);
  verifyLogits(program, last, new StageVerifier(program, last, stages[stages.length - 1]!, sources));
}

function verifyLogits(program: NetworkProgram, last: LinearStage, verifier: StageVerifier): void {
  const { results, degree } = program;
  requireEqual('results', last.outputs, results.slots.length);
  const mask = program.steps.at(-1);
  const bias = mask?.kind === 'mask' ? mask.bias : [];
  requireEqual('program.bias', last.outputs, bias.length);
  const taken = new Set<number>();
  summedSlots(results).forEach((slots, logit) => {
    for (const slot of slots) {
      if (slot >= degree || taken.has(slot))
        reject('results', 'a slot of two sums, or of none', 'each in one', `slot ${slot}`);
      taken.add(slot);
    }
    verifier.verifySum(slots, logit, bias[logit]!);
  });
}
