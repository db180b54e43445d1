import type { Tensor } from '../../compiler/base/tensor.ts';
import { decodeLogit } from '../../compiler/network/decode.ts';
import { inputElements } from '../../compiler/network/inputPlaces.ts';
import { parametersFor } from '../../compiler/network/plan.ts';
import { logitResidues, summedSlots } from '../../compiler/network/results.ts';
import type { NetworkView } from '../../compiler/network/view.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import { residueOf } from '../../compiler/rings/residues.ts';
import { slotTransform } from '../../compiler/rings/slots.ts';
import type { SlotTransform } from '../../compiler/rings/slots.ts';
import type { DisposableHandle } from '../disposable.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import type {
  Ciphertext,
  Decryptor,
  KeyGenerator,
  Plaintext,
  Seal,
  SealEvaluator,
  SecretKey,
} from '../seal/module.ts';
import { readPlaintext } from '../seal/plaintext.ts';
import { buildWithScope, withScope } from '../seal/scope.ts';
import type { SealScope } from '../seal/scope.ts';
import { exportTernary, importTernary } from '../seal/secretKey.ts';
import type { TernaryKey } from '../seal/secretKey.ts';
import { SlotEncoder } from '../seal/slotEncoder.ts';
import { ZeroEncryptor } from '../seal/zeroEncryptor.ts';
import { galoisSteps } from '../wire/evaluationKeys.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { checkNetworkInput } from './checkInput.ts';
import { networkCodecs } from './codecs.ts';
import type { NetworkCodecs } from './codecs.ts';
import { NetworkKeysCodec } from './keys.ts';
import { levelWith, openLevels } from './levels.ts';

/** The client's part under one plain modulus. */
interface ModulusClient {
  readonly context: BfvContext;
  readonly codecs: NetworkCodecs;
  readonly evaluator: SealEvaluator;
  readonly decryptor: Decryptor;
  readonly transform: SlotTransform;
  readonly encoder: SlotEncoder;
}

interface ClientModules {
  readonly seal: Seal;
  readonly packing: PackingModule;
}

/** Who owns the data of a network: one secret key for all plain moduli, which never leaves. */
export class NetworkClient implements DisposableHandle {
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #packing: PackingModule;
  readonly #view: NetworkView;
  readonly #elements: readonly Int32Array[];
  /** For every logit the slots whose sum it is. */
  readonly #summed: readonly (readonly number[])[];
  readonly #moduli: readonly ModulusClient[];
  readonly #generator: KeyGenerator;
  readonly #secretKey: SecretKey;
  readonly #zeros: ZeroEncryptor;
  readonly #plaintext: Plaintext;
  readonly #ciphertext: Ciphertext;
  readonly #coefficients: Float64Array;

  constructor(
    scope: SealScope,
    { seal, packing }: ClientModules,
    view: NetworkView,
    ternary: TernaryKey | null,
  ) {
    const { parameters } = view;
    this.#scope = scope;
    this.#seal = seal;
    this.#packing = packing;
    this.#view = view;
    this.#elements = inputElements(view.uploads, parameters.degree);
    this.#summed = summedSlots(view.results);
    const contexts = parameters.plainModuli.map((plainModulus) =>
      createContext(scope, seal, parametersFor(parameters, plainModulus)),
    );
    const keys = this.#secretKeys(contexts, ternary);
    this.#generator = scope.own(new seal.KeyGenerator(contexts[0]!.context, keys[0]!));
    this.#secretKey = keys[0]!;
    const own = parametersFor(parameters, parameters.plainModuli[0]!);
    this.#zeros = new ZeroEncryptor(scope, seal, own, keys[0]!);
    this.#moduli = contexts.map((context, index) => this.#open(context, keys[index]!));
    this.#plaintext = scope.own(new seal.Plaintext());
    this.#ciphertext = scope.own(new seal.Ciphertext());
    this.#coefficients = new Float64Array(parameters.degree);
  }

  /** The one secret key as each context has it: that of `given`, or a fresh one. */
  #secretKeys(contexts: readonly BfvContext[], given: TernaryKey | null): SecretKey[] {
    if (given !== null) return contexts.map((context) => this.#imported(context, given));
    const [first, ...others] = contexts;
    if (first === undefined) return [];
    const key = withScope((scope) =>
      this.#scope.own(scope.own(new this.#seal.KeyGenerator(first.context)).secretKey()),
    );
    if (others.length === 0) return [key];
    const ternary = exportTernary(this.#seal, first, this.#primes, key);
    const imported = others.map((context) => this.#imported(context, ternary));
    ternary.fill(0);
    return [key, ...imported];
  }

  #imported(context: BfvContext, ternary: TernaryKey): SecretKey {
    return withScope((scope) => {
      const template = scope.own(scope.own(new this.#seal.KeyGenerator(context.context)).secretKey());
      return importTernary(this.#scope, this.#seal, context, this.#primes, template, ternary);
    });
  }

  get #primes(): readonly bigint[] {
    const { parameters } = this.#view;
    return allPrimes(parametersFor(parameters, parameters.plainModuli[0]!));
  }

  /** The coefficients of the secret key: the caller overwrites them when they are used. */
  secretKey(): TernaryKey {
    this.#scope.assertOpen('client');
    const { context } = this.#moduli[0]!;
    return guardSeal('export the secret key', () =>
      exportTernary(this.#seal, context, this.#primes, this.#secretKey),
    );
  }

  #open(context: BfvContext, secretKey: SecretKey): ModulusClient {
    const seal = this.#seal;
    const scope = this.#scope;
    const last = levelWith(openLevels(scope, context), this.#view.resultPrimes);
    const codecs = networkCodecs(seal, this.#packing, this.#view.parameters, context, last);
    return {
      context,
      codecs,
      evaluator: scope.own(new seal.Evaluator(context.context)),
      decryptor: scope.own(new seal.Decryptor(context.context, secretKey)),
      transform: slotTransform(context.degree, context.plainModulus),
      encoder: new SlotEncoder(scope, seal, context),
    };
  }

  /**
   * The ciphertexts of one input, modulus after modulus, each with a seed of its own: under one seed the difference of two
   * would show the message.
   * @throws CipherconvError `shape-mismatch` or `out-of-range`.
   */
  encrypt(input: Tensor): Uint8Array[] {
    this.#scope.assertOpen('client');
    checkNetworkInput(this.#view, input);
    return guardSeal('encrypt', () =>
      this.#moduli.flatMap((modulus) =>
        this.#elements.map((elements) => this.#encryptOne(modulus, elements, input.data)),
      ),
    );
  }

  #encryptOne(modulus: ModulusClient, elements: Int32Array, data: Float64Array): Uint8Array {
    const { plainModulus } = modulus.context;
    const slots = Float64Array.from(elements, (element) =>
      element < 0 ? 0 : residueOf(data[element]!, plainModulus),
    );
    modulus.encoder.encode(slots, this.#plaintext);
    const { upload } = modulus.codecs;
    const envelope = this.#zeros.encrypt();
    // Under BFV's header; m is added to c0 alone, and c1 comes back from coefficients as it was.
    const zero = upload.encode(upload.copyWords(envelope), envelope, null);
    this.#ciphertext.loadFromArray(modulus.context.context, upload.decode(zero, null, 'upload'));
    modulus.evaluator.cipherTransformFromNttInplace(this.#ciphertext);
    modulus.evaluator.addPlainInplace(this.#ciphertext, this.#plaintext);
    modulus.evaluator.cipherTransformToNttInplace(this.#ciphertext);
    return upload.encode(upload.copyWords(saveBytes(this.#seal, this.#ciphertext)), envelope, null);
  }

  /** Keys for the server: to rotate and to square; made from the secret key at every call. */
  evaluationKeys(): Uint8Array {
    this.#scope.assertOpen('client');
    const { keys, parameters } = this.#view;
    const { context } = this.#moduli[0]!;
    const steps = galoisSteps(keys);
    const generator = this.#generator;
    return guardSeal('make the evaluation keys', () =>
      withScope((scope) => {
        const galois =
          steps.length === 0
            ? null
            : scope.own(generator.createGaloisKeysSerializableWithSteps(Int32Array.from(steps)));
        const relinearization = keys.relinearization
          ? scope.own(generator.createRelinKeysSerializable())
          : null;
        const own = parametersFor(parameters, context.plainModulus);
        return new NetworkKeysCodec(this.#seal, this.#packing, context, own, keys).encode({
          galois: galois === null ? null : saveBytes(this.#seal, galois),
          relinearization: relinearization === null ? null : saveBytes(this.#seal, relinearization),
        });
      }),
    );
  }

  /**
   * The logits from one result for each plain modulus.
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan.
   */
  decrypt(results: readonly Uint8Array[]): bigint[] {
    const { logits, parameters } = this.#view;
    const residues = this.#each(results, (modulus) => {
      modulus.decryptor.decrypt(this.#ciphertext, this.#plaintext);
      const all = modulus.transform.decode(readPlaintext(this.#seal, this.#plaintext, this.#coefficients));
      return logitResidues(this.#summed, all, modulus.context.plainModulus);
    });
    return logits.map(({ lo, modulus }, logit) =>
      decodeLogit(
        { lo: BigInt(lo), modulus: BigInt(modulus) },
        residues.map((values) => values[logit]!),
        parameters.plainModuli,
      ),
    );
  }

  /** Smallest noise budget of the results, by SEAL's own measurement, bits. Never to be told to the server. */
  measuredBudgetBits(results: readonly Uint8Array[]): number {
    return Math.min(
      ...this.#each(results, (modulus) => modulus.decryptor.invariantNoiseBudget(this.#ciphertext)),
    );
  }

  /** `use` with every result loaded in turn. */
  #each<T>(results: readonly Uint8Array[], use: (modulus: ModulusClient) => T): T[] {
    this.#scope.assertOpen('client');
    requireCiphertextCount('results', this.#moduli.length, results.length);
    return guardSeal('decrypt', () =>
      this.#moduli.map((modulus, index) => {
        const envelope = modulus.codecs.response.decode(results[index]!, null, `results[${index}]`);
        this.#ciphertext.loadFromArray(modulus.context.context, envelope);
        return use(modulus);
      }),
    );
  }

  /** What SEAL measures of a ciphertext of modulus number `index` at any step: for tests of the noise model. */
  budgetOf(index: number, ciphertext: Ciphertext): number {
    return this.#moduli[index]!.decryptor.invariantNoiseBudget(ciphertext);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A client of the network.
 * @param ternary the coefficients of its secret key; null: a fresh one
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createNetworkClient(
  view: NetworkView,
  ternary: TernaryKey | null = null,
): Promise<NetworkClient> {
  const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
  return buildWithScope((scope) =>
    guardSeal('make the keys', () => new NetworkClient(scope, { seal, packing }, view, ternary)),
  );
}
