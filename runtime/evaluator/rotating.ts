import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { slotTransform } from '../../compiler/rings/slots.ts';
import { babySteps, buildDiagonals, denseSlots, usedInputs } from '../../compiler/diagonals/program.ts';
import type { DiagonalsProgram, GiantStep } from '../../compiler/diagonals/program.ts';
import type { Evaluator, EvaluatorOptions, Progress } from './types.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { ciphertextFrames, requireCiphertextCount } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import { guardSeal } from '../seal/failure.ts';
import { galoisFrame } from '../seal/galoisEnvelope.ts';
import type { Ciphertext, GaloisKeys, PublicSeal, SealEvaluator } from '../seal/module.ts';
import type { SealScope } from '../seal/scope.ts';
import { listBytes, weightAllowance } from './prepared.ts';
import { preparePlaintexts, residentBytes } from './weights.ts';
import type { Weights, WeightSource } from './weights.ts';
import { ResponseCodec } from '../wire/ciphertexts.ts';
import { UploadCodec } from '../wire/uploads.ts';
import { EvaluationKeysCodec, galoisSteps, requireKeyBytes } from '../wire/evaluationKeys.ts';
import type { PackingModule } from '../wire/packer.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';

const WORD_BYTES = 8;
/** Beside the rotated inputs: an input, a product and three sums, and what messages are coded in. */
const OTHER_CIPHERTEXTS = 13;

/** What the Galois keys of a client take in SEAL: of every step and data prime two polynomials under all primes. */
function keyBytes({ keys, parameters }: DiagonalsPlan): number {
  if (keys.bytes === 0) return 0;
  const { degree, dataPrimes } = parameters;
  const polynomials = galoisSteps(keys).length * dataPrimes.length * 2;
  return polynomials * (dataPrimes.length + 1) * degree * WORD_BYTES;
}

/** What a program takes. */
function programBytes({ plaintexts, inputs, outputs, rows }: DiagonalsProgram): number {
  const lists = [
    ...plaintexts.flatMap(({ slots, values }) => [slots, values]),
    ...[...inputs, ...outputs].flatMap(({ slots, elements }) => [slots, elements]),
  ];
  const terms = rows.flatMap((giants) => giants.map((giant) => giant.terms));
  return listBytes(terms, lists);
}

/** The running sums of one result: giants that exchange the slot rows are summed apart and exchanged once. */
interface Sums {
  readonly plain: Ciphertext;
  readonly exchanged: Ciphertext;
}

/**
 * Evaluates a diagonals plan: rotates every input by its babies, multiplies in NTT form, rotates the sums by the giants.
 * Holds the weights and, once loaded, the rotation keys of one client; no key that decrypts.
 */
export class DiagonalsEvaluator implements Evaluator {
  readonly coding = new CodingClock();
  readonly weights: Weights;
  readonly preparedBytes: number;
  readonly #scope: SealScope;
  readonly #seal: PublicSeal;
  readonly #plan: DiagonalsPlan;
  readonly #context: BfvContext;
  readonly #packing: PackingModule;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #evaluator: SealEvaluator;
  readonly #program: DiagonalsProgram;
  readonly #source: WeightSource;
  /** Numbers of the inputs that are sent, and for every input its babies and their ciphertexts in NTT form. */
  readonly #used: readonly number[];
  readonly #babies: readonly ReadonlyMap<number, Ciphertext>[];
  readonly #input: Ciphertext;
  readonly #sum: Ciphertext;
  readonly #product: Ciphertext;
  readonly #sums: Sums;
  readonly #onProgress: Progress | null;
  #keys: GaloisKeys | null = null;

  constructor(
    scope: SealScope,
    seal: PublicSeal,
    packing: PackingModule,
    plan: DiagonalsPlan,
    options: EvaluatorOptions,
  ) {
    this.#scope = scope;
    this.#seal = seal;
    this.#packing = packing;
    this.#plan = plan;
    this.#onProgress = options.onProgress ?? null;
    this.#context = createContext(scope, seal, plan.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(packing, frames, plan.parameters, { ...plan.wire, upload: 'seal-seeded' });
    this.#response = new ResponseCodec(packing, frames, plan.parameters, {
      ...plan.wire,
      upload: 'seal-seeded',
    });
    this.#evaluator = scope.own(new seal.Evaluator(this.#context.context));
    this.#program = buildDiagonals(plan);
    const babies = babySteps(this.#program);
    const ciphertextBytes = 2 * this.#context.degree * this.#context.dataPrimeCount * WORD_BYTES;
    const rotated = babies.reduce((sum, steps) => sum + steps.length, 0);
    const rest =
      (rotated + OTHER_CIPHERTEXTS) * ciphertextBytes + keyBytes(plan) + programBytes(this.#program);
    const weightBytes = (this.#program.plaintexts.length * ciphertextBytes) / 2;
    this.#source = this.#prepare(weightAllowance(options, weightBytes + rest));
    this.weights = this.#source.weights;
    this.preparedBytes = residentBytes(this.weights) + rest;
    const make = (): Ciphertext => scope.own(new seal.Ciphertext());
    this.#used = usedInputs(this.#program);
    this.#babies = babies.map((steps) => new Map(steps.map((step) => [step, make()])));
    this.#input = make();
    this.#sum = make();
    this.#product = make();
    this.#sums = { plain: make(), exchanged: make() };
  }

  #prepare(memoryBytes: number): WeightSource {
    const program = this.#program;
    const transform = slotTransform(program.degree, program.plainModulus);
    return preparePlaintexts(
      { scope: this.#scope, seal: this.#seal, context: this.#context, evaluator: this.#evaluator },
      program.plaintexts.length,
      (index, writer) => {
        transform.encode(denseSlots(program, program.plaintexts[index]!)).forEach((coefficient, at) => {
          writer.put(at, coefficient);
        });
      },
      { memoryBytes, onProgress: this.#onProgress },
    );
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#scope.assertOpen('evaluator');
    const { keys, parameters } = this.#plan;
    requireKeyBytes(keys.bytes, bytes);
    if (keys.bytes === 0) return;
    guardSeal('load the evaluation keys', () => {
      const frame = galoisFrame(this.#seal, this.#context, galoisSteps(keys));
      const envelope = new EvaluationKeysCodec(this.#packing, frame, parameters, keys).decode(bytes);
      this.#keys ??= this.#scope.own(new this.#seal.GaloisKeys());
      this.#keys.loadFromArray(this.#context.context, envelope);
    });
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    this.#scope.assertOpen('evaluator');
    requireCiphertextCount('upload', this.#used.length, upload.length);
    return guardSeal('evaluate', () => {
      this.#used.forEach((input, index) => {
        this.#rotateInput(input, this.#upload.decode(upload[index]!, null, `upload[${index}]`));
      });
      let done = 0;
      return this.#program.rows
        .filter((giants) => giants.length > 0)
        .map((giants) => {
          const result = this.#runRow(giants);
          done += giants.reduce((sum, { terms }) => sum + terms.length, 0);
          this.#onProgress?.(done, this.#plan.counts.products);
          return this.#response.encode(saveBytes(this.#seal, result), null);
        });
    });
  }

  /** Rotation is made outside NTT form, products inside. */
  #rotateInput(input: number, envelope: Uint8Array): void {
    this.#input.loadFromArray(this.#context.context, envelope);
    for (const [step, target] of this.#babies[input]!) {
      if (step === 0) target.assign(this.#input);
      else this.#evaluator.rotateRows(this.#input, step, this.#requireKeys(), target);
      this.#evaluator.cipherTransformToNttInplace(target);
    }
  }

  #runRow(giants: readonly GiantStep[]): Ciphertext {
    const evaluator = this.#evaluator;
    const { plain, exchanged } = this.#sums;
    const begun = new Set<Ciphertext>();
    for (const giant of giants) {
      this.#sumProducts(giant);
      evaluator.cipherTransformFromNttInplace(this.#sum);
      if (giant.step !== 0) evaluator.rotateRowsInplace(this.#sum, giant.step, this.#requireKeys());
      const target = giant.exchange ? exchanged : plain;
      if (begun.has(target)) evaluator.addInplace(target, this.#sum);
      else target.assign(this.#sum);
      begun.add(target);
    }
    if (!begun.has(exchanged)) return plain;
    evaluator.rotateColumnsInplace(exchanged, this.#requireKeys());
    if (begun.has(plain)) evaluator.addInplace(exchanged, plain);
    return exchanged;
  }

  /** sum = sum over the terms of plaintext .* rotated input, in NTT form. */
  #sumProducts({ terms }: GiantStep): void {
    terms.forEach(({ input, baby, plaintext }, index) => {
      const rotated = this.#babies[input]!.get(baby);
      if (rotated === undefined) throw internalError('a term names a rotation that was not made');
      const weight = this.#source.weight(plaintext);
      if (index === 0) {
        this.#evaluator.multiplyPlain(rotated, weight, this.#sum);
      } else {
        this.#evaluator.multiplyPlain(rotated, weight, this.#product);
        this.#evaluator.addInplace(this.#sum, this.#product);
      }
    });
  }

  #requireKeys(): GaloisKeys {
    if (this.#keys !== null) return this.#keys;
    throw new CipherconvError({
      code: 'usage',
      message: 'the evaluation keys of the client are missing',
      expected: `loadEvaluationKeys with ${this.#plan.keys.bytes} bytes before evaluate`,
      found: 'none',
    });
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
