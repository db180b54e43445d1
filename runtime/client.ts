import type { ClientView } from '../compiler/plan.ts';
import { buildBlockGroups } from '../compiler/program.ts';
import type { BlockGroup, Placement } from '../compiler/program.ts';
import { outputShape } from '../compiler/spec.ts';
import type { OutputShape } from '../compiler/spec.ts';
import type { Tensor } from '../compiler/tensor.ts';
import { checkInput } from './checkInput.ts';
import { makeDecoder } from './decode.ts';
import type { Decoder } from './decode.ts';
import { ciphertextFrames, loadCiphertext, requireCiphertextCount } from './seal/ciphertext.ts';
import type { CiphertextFrames } from './seal/ciphertext.ts';
import { createContext } from './seal/context.ts';
import type { BfvContext } from './seal/context.ts';
import { saveBytes } from './seal/envelope.ts';
import type { CiphertextFrame } from './seal/envelope.ts';
import { guardSeal } from './seal/failure.ts';
import { loadSeal } from './seal/module.ts';
import type { Ciphertext, Decryptor, Encryptor, Plaintext, Seal } from './seal/module.ts';
import { PlaintextWriter, readPlaintext } from './seal/plaintext.ts';
import { buildWithScope, SealScope, withScope } from './seal/scope.ts';

/** Who owns the data: holds a fresh secret key, which never leaves it. */
export interface Client {
  /**
   * Ciphertexts of `input` (NCHW, raw values): for each block group one per used chunk, in order, each with the seed
   * of its second half.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range.
   */
  encrypt(input: Tensor): Uint8Array[];
  /**
   * The accumulators (NCHW) from the results: for each block group one per row that is not empty, in order.
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan.
   */
  decrypt(results: readonly Uint8Array[]): Tensor;
  /** Smallest noise budget (SEAL's, bits) of the results; that of a fresh encryption when there are no results. */
  measuredBudgetBits(results: readonly Uint8Array[]): number;
  /** Deletes the key and everything else on the WASM heap. */
  dispose(): void;
}

/** The SEAL objects of a client. */
interface Tools {
  readonly encryptor: Encryptor;
  readonly decryptor: Decryptor;
  readonly plaintext: Plaintext;
  readonly ciphertext: Ciphertext;
}

function makeTools(scope: SealScope, seal: Seal, { context }: BfvContext): Tools {
  const generator = scope.own(new seal.KeyGenerator(context));
  const secretKey = scope.own(generator.secretKey());
  // SEAL's constructor asks for a public key even where only the secret one is used.
  const publicKey = scope.own(generator.createPublicKey());
  return {
    encryptor: scope.own(new seal.Encryptor(context, publicKey, secretKey)),
    decryptor: scope.own(new seal.Decryptor(context, secretKey)),
    plaintext: scope.own(new seal.Plaintext()),
    ciphertext: scope.own(new seal.Ciphertext()),
  };
}

class SealClient implements Client {
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #view: ClientView;
  readonly #context: BfvContext;
  readonly #frames: CiphertextFrames;
  readonly #tools: Tools;
  readonly #writer: PlaintextWriter;
  readonly #output: OutputShape;
  readonly #groups: readonly BlockGroup[];
  readonly #decode: Decoder;
  /** Result rows that are computed, ascending. */
  readonly #rows: readonly number[];
  readonly #coefficients: Float64Array;

  constructor(scope: SealScope, seal: Seal, view: ClientView) {
    this.#scope = scope;
    this.#seal = seal;
    this.#view = view;
    this.#context = createContext(scope, seal, view.parameters);
    this.#frames = ciphertextFrames(seal, this.#context);
    this.#tools = makeTools(scope, seal, this.#context);
    this.#writer = new PlaintextWriter(seal, this.#context);
    this.#output = outputShape(view.shape);
    this.#groups = buildBlockGroups(view.shape, view.packing);
    this.#decode = makeDecoder(view, this.#output);
    const rowCount = this.#groups[0]?.outputs.length ?? 0;
    const empty = new Set(view.transfer.emptyRows);
    this.#rows = Array.from({ length: rowCount }, (_, row) => row).filter((row) => !empty.has(row));
    this.#coefficients = new Float64Array(view.packing.degree);
  }

  encrypt(input: Tensor): Uint8Array[] {
    this.#scope.assertOpen();
    checkInput(input, this.#view.shape);
    return guardSeal('encrypt', () =>
      this.#groups.flatMap((group) =>
        this.#view.transfer.usedChunks.map((chunk) => this.#encryptChunk(group.inputs[chunk]!, input.data)),
      ),
    );
  }

  #encryptChunk(placement: Placement, data: Float64Array): Uint8Array {
    const { coefficients, elements } = placement;
    const { zeroPoint } = this.#view.shape.input;
    const { plainModulus } = this.#context;
    this.#writer.clear();
    for (let index = 0; index < elements.length; index++) {
      const value = (data[elements[index]!]! - zeroPoint) % plainModulus;
      this.#writer.put(coefficients[index]!, value < 0 ? value + plainModulus : value);
    }
    this.#writer.load(this.#tools.plaintext);
    return this.#encryptLoaded();
  }

  /** Encrypts what the plaintext object holds. Symmetric: less noise than with the public key, and half the bytes. */
  #encryptLoaded(): Uint8Array {
    return withScope((scope) =>
      saveBytes(
        this.#seal,
        scope.own(this.#tools.encryptor.encryptSymmetricSerializable(this.#tools.plaintext)),
      ),
    );
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    this.#checkCount(results);
    const { batch, channels, height, width } = this.#output;
    const data = new Float64Array(batch * channels * height * width);
    guardSeal('decrypt', () => {
      this.#groups.forEach((group, groupIndex) => {
        this.#decodeEmptyRows(group, data);
        this.#rows.forEach((row, index) => {
          this.#decryptResult(results, groupIndex * this.#rows.length + index);
          this.#decode(group.outputs[row]!, this.#coefficients, data);
        });
      });
    });
    return { shape: [batch, channels, height, width], data };
  }

  #checkCount(results: readonly Uint8Array[]): void {
    this.#scope.assertOpen();
    requireCiphertextCount('results', this.#groups.length * this.#rows.length, results.length);
  }

  #decodeEmptyRows(group: BlockGroup, data: Float64Array): void {
    this.#coefficients.fill(0);
    for (const row of this.#view.transfer.emptyRows)
      this.#decode(group.outputs[row]!, this.#coefficients, data);
  }

  #loadCiphertext(bytes: Uint8Array, frame: CiphertextFrame, where: string): Ciphertext {
    loadCiphertext(this.#context, frame, this.#tools.ciphertext, bytes, where);
    return this.#tools.ciphertext;
  }

  #decryptResult(results: readonly Uint8Array[], index: number): void {
    const ciphertext = this.#loadCiphertext(results[index]!, this.#frames.full, `results[${index}]`);
    this.#tools.decryptor.decrypt(ciphertext, this.#tools.plaintext);
    readPlaintext(this.#seal, this.#tools.plaintext, this.#coefficients);
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    this.#checkCount(results);
    const { decryptor } = this.#tools;
    return guardSeal('measure the noise', () => {
      if (results.length === 0) return decryptor.invariantNoiseBudget(this.#freshCiphertext());
      return results.reduce((smallest, bytes, index) => {
        const ciphertext = this.#loadCiphertext(bytes, this.#frames.full, `results[${index}]`);
        return Math.min(smallest, decryptor.invariantNoiseBudget(ciphertext));
      }, Infinity);
    });
  }

  #freshCiphertext(): Ciphertext {
    this.#writer.clear();
    this.#writer.load(this.#tools.plaintext);
    return this.#loadCiphertext(this.#encryptLoaded(), this.#frames.seeded, 'fresh encryption');
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

/**
 * A client of the plan, with a fresh secret key.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createClient(view: ClientView): Promise<Client> {
  const seal = await loadSeal();
  return buildWithScope((scope) => guardSeal('make the keys', () => new SealClient(scope, seal, view)));
}
