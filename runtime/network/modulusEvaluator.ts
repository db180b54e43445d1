import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { networkKeys } from '../../compiler/network/counts.ts';
import { parametersFor, resultPrimes } from '../../compiler/network/plan.ts';
import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { stepsWithDrops } from '../../compiler/network/program.ts';
import type { NetworkProgram, NetworkStep } from '../../compiler/network/program.ts';
import { logitResidues, summedSlots } from '../../compiler/network/results.ts';
import { residueOf } from '../../compiler/rings/residues.ts';
import { slotTransform } from '../../compiler/rings/slots.ts';
import type { SlotTransform } from '../../compiler/rings/slots.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import type {
  Ciphertext,
  GaloisKeys,
  Plaintext,
  PublicSeal,
  RelinKeys,
  SealEvaluator,
} from '../seal/module.ts';
import { PlaintextWriter } from '../seal/plaintext.ts';
import { withScope } from '../seal/scope.ts';
import { SlotEncoder } from '../seal/slotEncoder.ts';
import type { SealScope } from '../seal/scope.ts';
import type { PackingModule } from '../wire/packer.ts';
import { networkCodecs } from './codecs.ts';
import type { NetworkCodecs } from './codecs.ts';
import { NetworkKeysCodec } from './keys.ts';
import { levelWith, openLevels } from './levels.ts';
import { randomResidues } from './randomResidues.ts';
import { scaledPlaintext } from './scaledPlaintext.ts';

/** Told of the current ciphertext after every step. */
export type StepObserver = (kind: NetworkStep['kind'], ciphertext: Ciphertext) => void;

type Products = Extract<NetworkStep, { kind: 'products' }>;

/** The WASM modules that evaluating takes. */
export interface Modules {
  readonly seal: PublicSeal;
  readonly packing: PackingModule;
}

/** Evaluates a network under one plain modulus. */
export class ModulusEvaluator {
  readonly #scope: SealScope;
  readonly #seal: PublicSeal;
  readonly #context: BfvContext;
  readonly #evaluator: SealEvaluator;
  readonly #codecs: NetworkCodecs;
  readonly #keysCodec: NetworkKeysCodec;
  readonly #transform: SlotTransform;
  readonly #program: NetworkProgram;
  /** For every logit the slots whose sum it is. */
  readonly #summed: readonly (readonly number[])[];
  readonly #steps: readonly NetworkStep[];
  /** What is multiplied, in NTT form, by number. */
  readonly #weights = new Map<number, Plaintext>();
  /** What is added, by number of the plaintext. */
  readonly #biases = new Map<number, Ciphertext>();
  readonly #mask: Plaintext;
  readonly #encoder: SlotEncoder;
  readonly #current: Ciphertext;
  readonly #sum: Ciphertext;
  readonly #product: Ciphertext;
  readonly #total: Ciphertext;
  #galois: GaloisKeys | null = null;
  #relinearization: RelinKeys | null = null;

  constructor(
    scope: SealScope,
    { seal, packing }: Modules,
    plan: NetworkPlan,
    program: NetworkProgram,
    plainModulus: number,
  ) {
    const parameters = parametersFor(plan.parameters, plainModulus);
    this.#scope = scope;
    this.#seal = seal;
    this.#context = createContext(scope, seal, parameters);
    const levels = openLevels(scope, this.#context);
    const last = levelWith(levels, resultPrimes(plan));
    this.#codecs = networkCodecs(seal, packing, plan.parameters, this.#context, last);
    const keys = networkKeys(program, plan.parameters);
    this.#keysCodec = new NetworkKeysCodec(seal, packing, this.#context, parameters, keys);
    this.#evaluator = scope.own(new seal.Evaluator(this.#context.context));
    this.#transform = slotTransform(program.degree, plainModulus);
    this.#program = program;
    this.#summed = summedSlots(program.results);
    this.#steps = stepsWithDrops(program, plan.primes);
    this.#encoder = new SlotEncoder(scope, seal, this.#context);
    this.#mask = scope.own(new seal.Plaintext());
    const make = (): Ciphertext => scope.own(new seal.Ciphertext());
    [this.#current, this.#sum, this.#product, this.#total] = [make(), make(), make(), make()];
    this.#prepare(levels, parameters.dataPrimes.map(BigInt));
  }

  /** Coefficients of a plaintext of the program. */
  #encoded(plaintext: number): Float64Array {
    const { plainModulus } = this.#context;
    const values = this.#program.plaintexts[plaintext]!;
    return this.#transform.encode(values.map((value) => residueOf(value, plainModulus)));
  }

  /** Products are made in NTT form; they and sums each under the primes that are left there. */
  #prepare(levels: ReturnType<typeof openLevels>, primes: readonly bigint[]): void {
    const writer = new PlaintextWriter(this.#seal, this.#context);
    let left = this.#context.dataPrimeCount;
    for (const step of this.#steps) {
      if (step.kind === 'add') {
        const level = levelWith(levels, left);
        const coefficients = this.#encoded(step.plaintext);
        const bias = scaledPlaintext(this.#scope, this.#seal, level, primes.slice(0, left), coefficients);
        this.#biases.set(step.plaintext, bias);
      }
      if (step.kind !== 'products') continue;
      left -= step.drops.sources;
      const { firstParmsId } = levelWith(levels, left);
      left -= step.drops.giants;
      for (const { terms } of step.giants)
        for (const { plaintext } of terms) {
          this.#encoded(plaintext).forEach((coefficient, index) => {
            writer.put(index, coefficient);
          });
          const weights = this.#scope.own(new this.#seal.Plaintext());
          writer.load(weights);
          this.#evaluator.plainTransformToNttInplace(weights, firstParmsId);
          this.#weights.set(plaintext, weights);
        }
    }
  }

  loadKeys(bytes: Uint8Array): void {
    const { galois, relinearization } = this.#keysCodec.decode(bytes);
    const { context } = this.#context;
    if (galois !== null) {
      this.#galois ??= this.#scope.own(new this.#seal.GaloisKeys());
      this.#galois.loadFromArray(context, galois);
    }
    if (relinearization !== null) {
      this.#relinearization ??= this.#scope.own(new this.#seal.RelinKeys());
      this.#relinearization.loadFromArray(context, relinearization);
    }
  }

  evaluate(upload: readonly Uint8Array[], observe: StepObserver): Uint8Array {
    let isUpload = true;
    for (const step of this.#steps) {
      if (step.kind === 'products') {
        withScope((scope) => {
          this.#products(step, isUpload ? this.#load(scope, upload) : this.#babies(scope, step));
        });
        isUpload = false;
      } else {
        this.#step(step);
      }
      observe(step.kind, this.#current);
    }
    return this.#codecs.response.encode(saveBytes(this.#seal, this.#current), null);
  }

  #step(step: Exclude<NetworkStep, Products>): void {
    const evaluator = this.#evaluator;
    const current = this.#current;
    switch (step.kind) {
      case 'fold':
        if (step.step === 0) evaluator.rotateColumns(current, requireKeys(this.#galois), this.#product);
        else evaluator.rotateRows(current, step.step, requireKeys(this.#galois), this.#product);
        evaluator.addInplace(current, this.#product);
        return;
      case 'add':
        evaluator.addInplace(current, prepared(this.#biases, step.plaintext));
        return;
      case 'square':
        evaluator.squareInplace(current);
        evaluator.relinearizeInplace(current, requireKeys(this.#relinearization));
        return;
      case 'mask':
        this.#addMask(step.bias);
        return;
      default:
        step satisfies never;
    }
  }

  #drop(ciphertext: Ciphertext, count: number): void {
    for (let dropped = 0; dropped < count; dropped++)
      this.#evaluator.cipherModSwitchToNextInplace(ciphertext);
  }

  /** Uniform residues whose sum over the slots of a logit is its bias. */
  #addMask(bias: readonly number[]): void {
    const { plainModulus } = this.#context;
    const slots = randomResidues(this.#program.degree, plainModulus);
    const sums = logitResidues(this.#summed, slots, plainModulus);
    this.#program.results.slots.forEach((slot, logit) => {
      // A bias may be as large as integers are exact in doubles: it is reduced before anything is added to it.
      const wanted = residueOf(bias[logit]!, plainModulus);
      slots[slot] = residueOf(slots[slot]! - sums[logit]! + wanted, plainModulus);
    });
    this.#encoder.encode(slots, this.#mask);
    this.#evaluator.addPlainInplace(this.#current, this.#mask);
  }

  /** The ciphertexts of an upload, which come in NTT form: no rotations before the first products. */
  #load(scope: SealScope, upload: readonly Uint8Array[]): Source {
    const loaded = upload.map((bytes, index) => {
      const ciphertext = scope.own(new this.#seal.Ciphertext());
      ciphertext.loadFromArray(
        this.#context.context,
        this.#codecs.upload.decode(bytes, null, `upload[${index}]`),
      );
      return ciphertext;
    });
    return ({ source }) => loaded[source];
  }

  /** The current ciphertext rotated by every baby, under the primes of the products, in NTT form. */
  #babies(scope: SealScope, { giants, drops }: Products): Source {
    const rotated = new Map<number, Ciphertext>();
    for (const baby of new Set(giants.flatMap(({ terms }) => terms.map((term) => term.baby)))) {
      const target = scope.own(new this.#seal.Ciphertext());
      if (baby === 0) target.assign(this.#current);
      else this.#evaluator.rotateRows(this.#current, baby, requireKeys(this.#galois), target);
      this.#drop(target, drops.sources);
      this.#evaluator.cipherTransformToNttInplace(target);
      rotated.set(baby, target);
    }
    return ({ baby }) => rotated.get(baby);
  }

  #products({ giants, drops }: Products, sourceOf: Source): void {
    const evaluator = this.#evaluator;
    giants.forEach(({ step, terms }, giant) => {
      terms.forEach((term, index) => {
        const source = sourceOf(term);
        if (source === undefined) throw internalError('a term names a ciphertext that was not made');
        const target = index === 0 ? this.#sum : this.#product;
        evaluator.multiplyPlain(source, prepared(this.#weights, term.plaintext), target);
        if (index > 0) evaluator.addInplace(this.#sum, this.#product);
      });
      evaluator.cipherTransformFromNttInplace(this.#sum);
      this.#drop(this.#sum, drops.giants);
      if (step !== 0) evaluator.rotateRowsInplace(this.#sum, step, requireKeys(this.#galois));
      if (giant === 0) this.#total.assign(this.#sum);
      else evaluator.addInplace(this.#total, this.#sum);
    });
    this.#current.assign(this.#total);
  }
}

function prepared<T>(made: ReadonlyMap<number, T>, plaintext: number): T {
  const found = made.get(plaintext);
  if (found === undefined) throw internalError(`plaintext ${plaintext} was not prepared`);
  return found;
}

/** The ciphertext of a term, in NTT form. */
type Source = (term: { readonly source: number; readonly baby: number }) => Ciphertext | undefined;

function requireKeys<T>(keys: T | null): T {
  if (keys !== null) return keys;
  throw new CipherconvError({
    code: 'usage',
    message: 'the evaluation keys of the client are missing',
    expected: 'loadEvaluationKeys before evaluate',
    found: 'none',
  });
}
