import type { OperationCosts } from '../../compiler/cost/operationCosts.ts';
import { ciphertextFrames, loadCiphertext } from '../../runtime/seal/ciphertext.ts';
import { createContext } from '../../runtime/seal/context.ts';
import type { BfvContext } from '../../runtime/seal/context.ts';
import { saveBytes } from '../../runtime/seal/envelope.ts';
import type { Ciphertext, Plaintext, Seal, SealEvaluator } from '../../runtime/seal/module.ts';
import { PlaintextWriter, readPlaintext } from '../../runtime/seal/plaintext.ts';
import { SealScope, withScope } from '../../runtime/seal/scope.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

/** Times the node-seal operations that programs consist of, one by one: the floor that an evaluator cannot beat. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Transforms of each kind timed per measurement, at most, and at least those of all inputs. */
const MOST_TRANSFORMS = 64;

/** Runs `action` for every index below `count` and returns microseconds a call. */
function microseconds(count: number, action: (index: number) => void): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) action(index);
  return ((performance.now() - start) * 1000) / count;
}

export interface RawOperationOptions {
  /** Distinct weight plaintexts cycled through, so that memory behaves as in a program with that many. */
  readonly distinctPlaintexts: number;
  /** Distinct input ciphertexts cycled through. */
  readonly distinctCiphertexts: number;
}

/** Everything the operations work on; made once per set of parameters. */
export class RawOperations {
  readonly #scope = new SealScope();
  readonly #seal: Seal;
  readonly #context: BfvContext;
  readonly #evaluator: SealEvaluator;
  readonly #weights: readonly Plaintext[];
  readonly #inputs: readonly Ciphertext[];
  readonly #product: Ciphertext;
  readonly #sum: Ciphertext;
  readonly #writer: PlaintextWriter;

  constructor(seal: Seal, parameters: Parameters, options: RawOperationOptions) {
    this.#seal = seal;
    this.#context = createContext(this.#scope, seal, parameters);
    this.#evaluator = this.#scope.own(new seal.Evaluator(this.#context.context));
    this.#writer = new PlaintextWriter(seal, this.#context);
    this.#weights = Array.from({ length: options.distinctPlaintexts }, (_, index) => {
      const weight = this.#plaintext(index);
      this.#evaluator.plainTransformToNttInplace(weight, this.#context.firstParmsId);
      return weight;
    });
    this.#inputs = Array.from({ length: options.distinctCiphertexts }, () =>
      this.#scope.own(new seal.Ciphertext()),
    );
    this.#product = this.#scope.own(new seal.Ciphertext());
    this.#sum = this.#scope.own(new seal.Ciphertext());
  }

  /** A plaintext with nine small coefficients. */
  #plaintext(seed: number): Plaintext {
    const plaintext = this.#scope.own(new this.#seal.Plaintext());
    this.#writer.clear();
    for (let tap = 0; tap < 9; tap++) {
      this.#writer.put(
        (seed + 31 * tap) % this.#context.degree,
        1 + (tap % (this.#context.plainModulus - 1)),
      );
    }
    this.#writer.load(plaintext);
    return plaintext;
  }

  /** One measurement of every operation, microseconds a call, each called `calls` times. */
  measure(calls: number): OperationCosts {
    const seal = this.#seal;
    const { context } = this.#context;
    const evaluator = this.#evaluator;
    const frames = ciphertextFrames(seal, this.#context);
    const pick = <T>(list: readonly T[], index: number): T => list[index % list.length]!;
    return withScope((scope) => {
      const generator = scope.own(new seal.KeyGenerator(context));
      const secretKey = scope.own(generator.secretKey());
      const publicKey = scope.own(generator.createPublicKey());
      const encryptor = scope.own(new seal.Encryptor(context, publicKey, secretKey));
      const decryptor = scope.own(new seal.Decryptor(context, secretKey));
      const plaintext = this.#plaintext(1);
      const coefficients = new Float64Array(this.#context.degree);
      let upload = new Uint8Array(0);
      let response = new Uint8Array(0);
      const encrypt = microseconds(calls, () => {
        this.#writer.load(plaintext);
        const fresh = encryptor.encryptSymmetricSerializable(plaintext);
        upload = Uint8Array.from(saveBytes(seal, fresh));
        fresh.delete();
      });
      const load = microseconds(Math.max(calls, this.#inputs.length), (index) => {
        loadCiphertext(this.#context, frames.seeded, pick(this.#inputs, index), upload, 'upload');
      });
      const transforms = Math.min(calls, MOST_TRANSFORMS);
      // Each can be transformed once only; few inputs alone would give few calls.
      const copies = Array.from({ length: Math.max(0, transforms - this.#inputs.length) }, (_, index) =>
        scope.own(pick(this.#inputs, index).copy()),
      );
      const fresh = [...this.#inputs, ...copies];
      const toNtt = microseconds(fresh.length, (index) => {
        evaluator.cipherTransformToNttInplace(fresh[index]!);
      });
      evaluator.multiplyPlain(pick(this.#inputs, 0), pick(this.#weights, 0), this.#sum);
      const multiply = microseconds(calls, (index) => {
        evaluator.multiplyPlain(pick(this.#inputs, index), pick(this.#weights, index), this.#product);
      });
      const add = microseconds(calls, () => {
        evaluator.addInplace(this.#sum, this.#product);
      });
      const results = Array.from({ length: transforms }, () => scope.own(this.#sum.copy()));
      const fromNtt = microseconds(transforms, (index) => {
        evaluator.cipherTransformFromNttInplace(pick(results, index));
      });
      const save = microseconds(transforms, (index) => {
        response = Uint8Array.from(saveBytes(seal, pick(results, index)));
      });
      const decrypt = microseconds(transforms, () => {
        loadCiphertext(this.#context, frames.full, this.#product, response, 'response');
        decryptor.decrypt(this.#product, plaintext);
        readPlaintext(seal, plaintext, coefficients);
      });
      return { encrypt, load, toNtt, multiply, add, fromNtt, save, decrypt };
    });
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

/** Each operation over several measurements, by `pick` (the median unless said otherwise). */
export function combineCosts(
  samples: readonly OperationCosts[],
  pick: (values: readonly number[]) => number = median,
): OperationCosts {
  const of = (name: keyof OperationCosts): number => pick(samples.map((sample) => sample[name]));
  return {
    encrypt: of('encrypt'),
    load: of('load'),
    toNtt: of('toNtt'),
    multiply: of('multiply'),
    add: of('add'),
    fromNtt: of('fromNtt'),
    save: of('save'),
    decrypt: of('decrypt'),
  };
}
