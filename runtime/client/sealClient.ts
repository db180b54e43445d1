import type { Tensor } from '../../compiler/base/tensor.ts';
import { centredInputRange, outputShape } from '../../compiler/convolution/shape.ts';
import type { OutputShape } from '../../compiler/convolution/shape.ts';
import type { Layout } from '../../compiler/lowering/layout.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { viewRules } from '../../compiler/lowerings/views.ts';
import { ciphertextFrames, requireCiphertextCount } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import { guardSeal } from '../seal/failure.ts';
import { galoisFrame } from '../seal/galoisEnvelope.ts';
import { loadSeal } from '../seal/module.ts';
import type { Seal } from '../seal/module.ts';
import { readPlaintext } from '../seal/plaintext.ts';
import { buildWithScope, withScope } from '../seal/scope.ts';
import type { SealScope } from '../seal/scope.ts';
import type { TernaryKey } from '../seal/secretKey.ts';
import { ResponseCodec } from '../wire/ciphertexts.ts';
import { UploadCodec } from '../wire/uploads.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { EvaluationKeysCodec, galoisSteps } from '../wire/evaluationKeys.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { checkInferenceCount } from './checkCount.ts';
import { checkInput } from './checkInput.ts';
import { makeDecoder } from './decode.ts';
import type { Decoder } from './decode.ts';
import { CoefficientEncoding, SlotEncoding } from './encoding.ts';
import type { Encoding } from './encoding.ts';
import { ScalingTable } from './scaling.ts';
import { encryptZero, freshBudgetBits, makeTools, secretCoefficients } from './tools.ts';
import type { ClientTools } from './tools.ts';
import type { Client, ClientOptions } from './types.ts';
import { ZeroPool } from './zeroPool.ts';

/** The client of a plan, whatever its lowering: the layout says where elements stand, the encoding how they get there. */
class SealClient implements Client {
  readonly coding = new CodingClock();
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #packing: PackingModule;
  readonly #view: ClientView;
  readonly #context: BfvContext;
  readonly #response: ResponseCodec;
  readonly #tools: ClientTools;
  readonly #output: OutputShape;
  readonly #layout: Layout;
  readonly #encoding: Encoding;
  readonly #decode: Decoder;
  readonly #coefficients: Float64Array;

  constructor(
    scope: SealScope,
    seal: Seal,
    packing: PackingModule,
    view: ClientView,
    secretKey: TernaryKey | null,
  ) {
    this.#scope = scope;
    this.#seal = seal;
    this.#packing = packing;
    this.#view = view;
    this.#context = createContext(scope, seal, view.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#response = new ResponseCodec(packing, frames, view.parameters, view.wire);
    this.#tools = makeTools(scope, seal, this.#context, view, secretKey);
    this.#output = outputShape(view.shape);
    this.#layout = viewRules(view).layout(view);
    this.#encoding = this.#makeEncoding(new UploadCodec(packing, frames, view.parameters, view.wire));
    this.#decode = makeDecoder(view, this.#output);
    this.#coefficients = new Float64Array(view.parameters.degree);
  }

  #makeEncoding(upload: UploadCodec): Encoding {
    const { shape, parameters, wire: planWire } = this.#view;
    const { zeroPoint } = shape.input;
    const wire = { upload, clock: this.coding };
    switch (this.#layout.encoding) {
      case 'coefficients': {
        const scaling = new ScalingTable(parameters, centredInputRange(shape.input));
        const zeros = new ZeroPool(() => encryptZero(this.#seal, this.#tools, planWire.upload));
        return new CoefficientEncoding(this.#context, zeroPoint, wire, scaling, zeros);
      }
      case 'slots':
        return new SlotEncoding(this.#seal, this.#context, this.#tools, zeroPoint, wire);
      default:
        return this.#layout.encoding satisfies never;
    }
  }

  encrypt(input: Tensor): Uint8Array[] {
    this.#scope.assertOpen('client');
    checkInput(input, this.#view.shape);
    return guardSeal('encrypt', () =>
      this.#layout.uploads.map((places) => this.#encoding.encrypt(places, input.data)),
    );
  }

  precompute(count: number): void {
    this.#scope.assertOpen('client');
    checkInferenceCount(count);
    guardSeal('encrypt zeros', () => {
      this.#encoding.precompute(count);
    });
  }

  get ciphertextsPerInput(): number {
    return this.#layout.uploads.length;
  }

  get precomputed(): number {
    return this.#encoding.precomputed;
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    this.#checkCount(results);
    const { batch, channels, height, width } = this.#output;
    const data = new Float64Array(batch * channels * height * width);
    guardSeal('decrypt', () => {
      this.#coefficients.fill(0);
      for (const places of this.#layout.zeros) this.#decode(places, this.#coefficients, data);
      this.#layout.results.forEach((places, index) => {
        this.#loadResult(results, index);
        this.#tools.decryptor.decrypt(this.#tools.ciphertext, this.#tools.plaintext);
        const coefficients = readPlaintext(this.#seal, this.#tools.plaintext, this.#coefficients);
        this.#decode(places, this.#encoding.residues(coefficients), data);
      });
    });
    return { shape: [batch, channels, height, width], data };
  }

  #checkCount(results: readonly Uint8Array[]): void {
    this.#scope.assertOpen('client');
    requireCiphertextCount('results', this.#layout.results.length, results.length);
  }

  /** Loads result number `index` into the ciphertext object; returns its envelope. */
  #loadResult(results: readonly Uint8Array[], index: number): Uint8Array {
    const { travelling } = this.#layout.results[index]!;
    const envelope = this.coding.time('response', () =>
      this.#response.decode(results[index]!, travelling, `results[${index}]`),
    );
    this.#tools.ciphertext.loadFromArray(this.#context.context, envelope);
    return envelope;
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    this.#checkCount(results);
    return guardSeal('measure the noise', () => {
      if (results.length === 0) return freshBudgetBits(this.#seal, this.#context, this.#tools);
      const { meter, ciphertext } = this.#tools;
      return this.#layout.results.reduce((smallest, { travelling }, index) => {
        const envelope = this.#loadResult(results, index);
        return Math.min(smallest, meter.budgetBits(ciphertext, envelope, travelling));
      }, Infinity);
    });
  }

  evaluationKeys(): Uint8Array {
    this.#scope.assertOpen('client');
    const { keys } = this.#layout;
    if (keys === null) return new Uint8Array(0);
    return guardSeal('make the evaluation keys', () => {
      const steps = galoisSteps(keys);
      const { generator } = this.#tools;
      const envelope = withScope((scope) =>
        saveBytes(
          this.#seal,
          scope.own(generator.createGaloisKeysSerializableWithSteps(Int32Array.from(steps))),
        ),
      );
      const frame = galoisFrame(this.#seal, this.#context, steps);
      return new EvaluationKeysCodec(this.#packing, frame, this.#view.parameters, keys).encode(envelope);
    });
  }

  secretKey(): TernaryKey {
    this.#scope.assertOpen('client');
    return guardSeal('read the secret key', () =>
      secretCoefficients(this.#seal, this.#context, this.#view, this.#tools),
    );
  }

  dispose(): void {
    this.#encoding.destroy();
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A client of the plan that leaves encryption and decryption to SEAL.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createSealClient(view: ClientView, options: ClientOptions = {}): Promise<Client> {
  const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
  const secretKey = options.secretKey ?? null;
  return buildWithScope((scope) =>
    guardSeal('make the keys', () => new SealClient(scope, seal, packing, view, secretKey)),
  );
}
