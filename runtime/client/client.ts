import { isToeplitzView } from '../../compiler/lowerings/plan.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { buildBlockGroups } from '../../compiler/toeplitz/placement.ts';
import type { BlockGroup, InputPlacement } from '../../compiler/toeplitz/placement.ts';
import { centredInputRange, outputShape } from '../../compiler/convolution/spec.ts';
import type { OutputShape } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { checkInput } from './checkInput.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { encryptZero, freshBudgetBits, makeTools, secretCoefficients } from './tools.ts';
import type { Client, ClientTools } from './tools.ts';
import { makeDecoder } from './decode.ts';
import type { Decoder } from './decode.ts';
import { DiagonalsClient } from './slots.ts';
import { ciphertextFrames, requireCiphertextCount } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import type { Seal } from '../seal/module.ts';
import { readPlaintext } from '../seal/plaintext.ts';
import { buildWithScope, SealScope } from '../seal/scope.ts';
import type { TernaryKey } from '../seal/secretKey.ts';
import { ScalingTable } from './scaling.ts';
import { ResponseCodec, UploadCodec } from '../wire/ciphertexts.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { ZeroPool } from './zeroPool.ts';
import type { ToeplitzView } from '../../compiler/toeplitz/plan.ts';

export type { Client } from './tools.ts';

/** The client of a toeplitz plan. */
class SealClient implements Client {
  readonly coding = new CodingClock();
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #view: ToeplitzView;
  readonly #context: BfvContext;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #tools: ClientTools;
  readonly #output: OutputShape;
  readonly #groups: readonly BlockGroup[];
  readonly #decode: Decoder;
  /** Result rows that are computed, ascending. */
  readonly #rows: readonly number[];
  readonly #coefficients: Float64Array;
  readonly #scaling: ScalingTable;
  readonly #zeros: ZeroPool;

  constructor(
    scope: SealScope,
    seal: Seal,
    packing: PackingModule,
    view: ToeplitzView,
    secretKey: TernaryKey | null,
  ) {
    this.#scope = scope;
    this.#seal = seal;
    this.#view = view;
    this.#context = createContext(scope, seal, view.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(packing, frames, view.parameters, view.wire);
    this.#response = new ResponseCodec(packing, frames, view.parameters, view.wire);
    this.#tools = makeTools(scope, seal, this.#context, view, secretKey);
    this.#output = outputShape(view.shape);
    this.#groups = buildBlockGroups(view.shape, view.packing);
    this.#decode = makeDecoder(view, this.#output);
    const rowCount = this.#groups[0]?.outputs.length ?? 0;
    const empty = new Set(view.transfer.emptyRows);
    this.#rows = Array.from({ length: rowCount }, (_, row) => row).filter((row) => !empty.has(row));
    this.#coefficients = new Float64Array(view.packing.degree);
    this.#scaling = new ScalingTable(view.parameters, centredInputRange(view.shape.input));
    this.#zeros = new ZeroPool(() => encryptZero(seal, this.#tools, view.wire.upload));
  }

  encrypt(input: Tensor): Uint8Array[] {
    this.#scope.assertOpen('client');
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
    this.#scope.assertOpen('client');
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
    this.#scope.assertOpen('client');
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
      if (results.length === 0) return freshBudgetBits(this.#seal, this.#context, this.#tools);
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

  evaluationKeys(): Uint8Array {
    this.#scope.assertOpen('client');
    return new Uint8Array(0);
  }

  secretKey(): TernaryKey {
    this.#scope.assertOpen('client');
    return guardSeal('read the secret key', () =>
      secretCoefficients(this.#seal, this.#context, this.#view, this.#tools),
    );
  }

  dispose(): void {
    this.#zeros.destroy();
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface ClientOptions {
  /** The secret key, as `Client.secretKey` gave it for the same parameters. Default: a fresh one, which is the advice. */
  readonly secretKey?: TernaryKey;
}

/**
 * A client of the plan.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createClient(view: ClientView, options: ClientOptions = {}): Promise<Client> {
  const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
  const secretKey = options.secretKey ?? null;
  return buildWithScope((scope) =>
    guardSeal('make the keys', () =>
      isToeplitzView(view)
        ? new SealClient(scope, seal, packing, view, secretKey)
        : new DiagonalsClient(scope, seal, packing, view, secretKey),
    ),
  );
}
