import type { ClientView } from '../compiler/plan.ts';
import { buildBlockGroups } from '../compiler/packingElements.ts';
import type { BlockGroup, InputPlacement } from '../compiler/packingElements.ts';
import { centredInputRange, outputShape } from '../compiler/spec.ts';
import type { OutputShape } from '../compiler/spec.ts';
import type { Tensor } from '../compiler/tensor.ts';
import { checkInput } from './checkInput.ts';
import { CodingClock } from './codingClock.ts';
import type { CodingTimes } from './codingClock.ts';
import { makeDecoder } from './decode.ts';
import type { Decoder } from './decode.ts';
import { ciphertextFrames, requireCiphertextCount } from './seal/ciphertext.ts';
import { createContext } from './seal/context.ts';
import type { BfvContext } from './seal/context.ts';
import { saveBytes } from './seal/envelope.ts';
import { guardSeal } from './seal/failure.ts';
import { loadSeal } from './seal/module.ts';
import type { Ciphertext, Decryptor, Encryptor, Plaintext, Seal } from './seal/module.ts';
import { NoiseMeter } from './seal/noiseMeter.ts';
import { readPlaintext } from './seal/plaintext.ts';
import { buildWithScope, SealScope, withScope } from './seal/scope.ts';
import { ScalingTable } from './scaling.ts';
import { ResponseCodec, UploadCodec } from './wire/ciphertexts.ts';
import { ZeroPool } from './zeroPool.ts';

/** Who owns the data: holds a fresh secret key, which never leaves it. */
export interface Client {
  /**
   * Ciphertexts of `input` (NCHW, raw values) as they travel: for each block group one per used chunk, in order, the
   * coefficients of c0 and the seed of c1.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range.
   */
  encrypt(input: Tensor): Uint8Array[];
  /**
   * Makes `count` encryptions of zero ahead of time, so that encrypting only adds the values. Each is used for one
   * ciphertext and destroyed; when none is left, `encrypt` makes fresh ones.
   */
  precompute(count: number): void;
  /** Time that packing uploads and unpacking responses has taken so far. */
  readonly coding: CodingTimes;
  /** Encryptions of zero that are ready. */
  readonly precomputed: number;
  /** Ciphertexts that one input takes. */
  readonly ciphertextsPerInput: number;
  /**
   * The accumulators (NCHW) from the results: for each block group one per row that is not empty, in order.
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan.
   */
  decrypt(results: readonly Uint8Array[]): Tensor;
  /**
   * Smallest noise budget of the results as they arrived, at their output positions, by SEAL's formula, bits; that of a
   * fresh encryption when there are no results. Never to be told to the server.
   */
  measuredBudgetBits(results: readonly Uint8Array[]): number;
  /** Deletes the key and everything else on the WASM heap. */
  dispose(): void;
}

/** The SEAL objects of a client. */
interface Tools {
  readonly encryptor: Encryptor;
  readonly decryptor: Decryptor;
  readonly plaintext: Plaintext;
  readonly zero: Plaintext;
  readonly ciphertext: Ciphertext;
  readonly meter: NoiseMeter;
}

function makeTools(scope: SealScope, seal: Seal, bfv: BfvContext, view: ClientView): Tools {
  const { context } = bfv;
  const generator = scope.own(new seal.KeyGenerator(context));
  const secretKey = scope.own(generator.secretKey());
  // SEAL's constructor asks for a public key even where only the secret one is used.
  const publicKey = scope.own(generator.createPublicKey());
  return {
    encryptor: scope.own(new seal.Encryptor(context, publicKey, secretKey)),
    decryptor: scope.own(new seal.Decryptor(context, secretKey)),
    plaintext: scope.own(new seal.Plaintext()),
    zero: scope.own(new seal.Plaintext()),
    ciphertext: scope.own(new seal.Ciphertext()),
    meter: new NoiseMeter(
      scope,
      seal,
      bfv,
      view.parameters.dataPrimes.map(BigInt),
      saveBytes(seal, secretKey),
    ),
  };
}

class SealClient implements Client {
  readonly coding = new CodingClock();
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #view: ClientView;
  readonly #context: BfvContext;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #tools: Tools;
  readonly #output: OutputShape;
  readonly #groups: readonly BlockGroup[];
  readonly #decode: Decoder;
  /** Result rows that are computed, ascending. */
  readonly #rows: readonly number[];
  readonly #coefficients: Float64Array;
  readonly #scaling: ScalingTable;
  readonly #zeros: ZeroPool;

  constructor(scope: SealScope, seal: Seal, view: ClientView) {
    this.#scope = scope;
    this.#seal = seal;
    this.#view = view;
    this.#context = createContext(scope, seal, view.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(frames, view.parameters, view.wire);
    this.#response = new ResponseCodec(frames, view.parameters, view.wire);
    this.#tools = makeTools(scope, seal, this.#context, view);
    this.#output = outputShape(view.shape);
    this.#groups = buildBlockGroups(view.shape, view.packing);
    this.#decode = makeDecoder(view, this.#output);
    const rowCount = this.#groups[0]?.outputs.length ?? 0;
    const empty = new Set(view.transfer.emptyRows);
    this.#rows = Array.from({ length: rowCount }, (_, row) => row).filter((row) => !empty.has(row));
    this.#coefficients = new Float64Array(view.packing.degree);
    this.#scaling = new ScalingTable(view.parameters, centredInputRange(view.shape.input));
    this.#zeros = new ZeroPool(() => this.#encryptZero());
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

  /** An encryption of zero plus the scaled values: SEAL's own symmetric encryption, taken apart. */
  #encryptChunk(placement: InputPlacement, data: Float64Array): Uint8Array {
    const zero = this.#zeros.take();
    const words = this.#upload.copyWords(zero);
    this.#scaling.addMessage(words, this.#context.degree, placement, data, this.#view.shape.input.zeroPoint);
    const bytes = this.coding.time('upload', () => this.#upload.encode(words, zero, placement.read));
    zero.fill(0);
    return bytes;
  }

  precompute(count: number): void {
    this.#scope.assertOpen();
    guardSeal('encrypt zeros', () => {
      this.#zeros.fill(count);
    });
  }

  get ciphertextsPerInput(): number {
    return this.#groups.length * this.#view.transfer.usedChunks.length;
  }

  get precomputed(): number {
    return this.#zeros.size;
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    this.#checkCount(results);
    const { batch, channels, height, width } = this.#output;
    const data = new Float64Array(batch * channels * height * width);
    guardSeal('decrypt', () => {
      this.#groups.forEach((group, groupIndex) => {
        this.#decodeEmptyRows(group, data);
        this.#rows.forEach((row, index) => {
          const placement = group.outputs[row]!;
          this.#loadResult(results, groupIndex * this.#rows.length + index, placement.coefficients);
          this.#tools.decryptor.decrypt(this.#tools.ciphertext, this.#tools.plaintext);
          readPlaintext(this.#seal, this.#tools.plaintext, this.#coefficients);
          this.#decode(placement, this.#coefficients, data);
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

  /** Loads result number `index` into the ciphertext object; returns its envelope. */
  #loadResult(results: readonly Uint8Array[], index: number, positions: Int32Array): Uint8Array {
    const envelope = this.coding.time('response', () =>
      this.#response.decode(results[index]!, positions, `results[${index}]`),
    );
    this.#tools.ciphertext.loadFromArray(this.#context.context, envelope);
    return envelope;
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    this.#checkCount(results);
    return guardSeal('measure the noise', () => {
      if (results.length === 0) return this.#freshBudgetBits();
      const { meter } = this.#tools;
      const rows = this.#rows;
      return results.reduce((smallest, _, index) => {
        const group = this.#groups[Math.floor(index / rows.length)]!;
        const positions = group.outputs[rows[index % rows.length]!]!.coefficients;
        const envelope = this.#loadResult(results, index, positions);
        return Math.min(smallest, meter.budgetBits(this.#tools.ciphertext, envelope, positions));
      }, Infinity);
    });
  }

  /** Of an encryption of zero, by SEAL's own measurement. */
  #freshBudgetBits(): number {
    const { ciphertext, decryptor } = this.#tools;
    ciphertext.loadFromArray(this.#context.context, this.#encryptZero());
    return decryptor.invariantNoiseBudget(ciphertext);
  }

  /** SEAL's seeded envelope of zero. Symmetric: less noise than with the public key, and half the bytes. */
  #encryptZero(): Uint8Array {
    return withScope((scope) =>
      saveBytes(this.#seal, scope.own(this.#tools.encryptor.encryptSymmetricSerializable(this.#tools.zero))),
    );
  }

  dispose(): void {
    this.#zeros.destroy();
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
