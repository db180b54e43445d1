import { resultSlots, inputSlots, slotGeometry } from '../../compiler/diagonals/packing.ts';
import type { SlotPlacement } from '../../compiler/diagonals/packing.ts';
import { slotTransform } from '../../compiler/rings/slots.ts';
import type { SlotTransform } from '../../compiler/rings/slots.ts';
import { outputShape } from '../../compiler/convolution/spec.ts';
import type { OutputShape } from '../../compiler/convolution/spec.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { checkInput } from './checkInput.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { encryptPlaintext, freshBudgetBits, makeTools, secretCoefficients } from './tools.ts';
import type { Client, ClientTools } from './tools.ts';
import { makeDecoder } from './decode.ts';
import type { Decoder } from './decode.ts';
import { ciphertextFrames, requireCiphertextCount } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import { guardSeal } from '../seal/failure.ts';
import { galoisFrame } from '../seal/galoisEnvelope.ts';
import type { Seal } from '../seal/module.ts';
import { PlaintextWriter, readPlaintext } from '../seal/plaintext.ts';
import { withScope } from '../seal/scope.ts';
import type { SealScope } from '../seal/scope.ts';
import type { TernaryKey } from '../seal/secretKey.ts';
import { ResponseCodec, UploadCodec } from '../wire/ciphertexts.ts';
import { EvaluationKeysCodec } from '../wire/evaluationKeys.ts';
import type { PackingModule } from '../wire/packer.ts';
import type { DiagonalsView } from '../../compiler/diagonals/plan.ts';

/**
 * The client of a diagonals plan: values stand in slots, so every coefficient of a ciphertext travels. Slots of an upload
 * that hold no element are 0; slots of a result that are no output are 0 by the program and are not looked at.
 */
export class DiagonalsClient implements Client {
  readonly coding = new CodingClock();
  readonly precomputed = 0;
  readonly #scope: SealScope;
  readonly #seal: Seal;
  readonly #view: DiagonalsView;
  readonly #context: BfvContext;
  readonly #packing: PackingModule;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #tools: ClientTools;
  readonly #writer: PlaintextWriter;
  readonly #transform: SlotTransform;
  readonly #output: OutputShape;
  readonly #decode: Decoder;
  /** Of the input ciphertexts that are sent. */
  readonly #inputs: readonly SlotPlacement[];
  readonly #outputs: readonly SlotPlacement[];
  /** Results that are computed, ascending. */
  readonly #rows: readonly number[];
  readonly #coefficients: Float64Array;

  constructor(
    scope: SealScope,
    seal: Seal,
    packing: PackingModule,
    view: DiagonalsView,
    secretKey: TernaryKey | null,
  ) {
    this.#scope = scope;
    this.#seal = seal;
    this.#packing = packing;
    this.#view = view;
    this.#context = createContext(scope, seal, view.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(packing, frames, view.parameters, view.wire);
    this.#response = new ResponseCodec(packing, frames, view.parameters, view.wire);
    this.#tools = makeTools(scope, seal, this.#context, view, secretKey);
    this.#writer = new PlaintextWriter(seal, this.#context);
    const { degree, plainModulus } = view.parameters;
    this.#transform = slotTransform(degree, plainModulus);
    this.#output = outputShape(view.shape);
    this.#decode = makeDecoder(view, this.#output);
    const geometry = slotGeometry(view.shape, view.packing);
    const placements = inputSlots(geometry);
    this.#inputs = view.transfer.usedChunks.map((input) => placements[input]!);
    this.#outputs = resultSlots(geometry);
    const empty = new Set(view.transfer.emptyRows);
    this.#rows = this.#outputs.map((_, row) => row).filter((row) => !empty.has(row));
    this.#coefficients = new Float64Array(degree);
  }

  precompute(count: number): void {
    throw new CipherconvError({
      code: 'unsupported',
      message: `not supported yet: ${count} encryptions of zero made ahead for the diagonals lowering`,
      hint: 'use --lowering toeplitz',
    });
  }

  get ciphertextsPerInput(): number {
    return this.#inputs.length;
  }

  evaluationKeys(): Uint8Array {
    this.#scope.assertOpen('client');
    const { keys, parameters } = this.#view;
    if (keys.steps.length === 0) return new Uint8Array(0);
    return guardSeal('make the evaluation keys', () => {
      const steps = Int32Array.from(keys.steps);
      const envelope = withScope((scope) =>
        saveBytes(this.#seal, scope.own(this.#tools.generator.createGaloisKeysSerializableWithSteps(steps))),
      );
      const frame = galoisFrame(this.#seal, this.#context, keys.steps);
      return new EvaluationKeysCodec(this.#packing, frame, parameters, keys).encode(envelope);
    });
  }

  encrypt(input: Tensor): Uint8Array[] {
    this.#scope.assertOpen('client');
    checkInput(input, this.#view.shape);
    return guardSeal('encrypt', () =>
      this.#inputs.map((placement) => {
        this.#load(placement, input.data);
        const envelope = encryptPlaintext(this.#seal, this.#tools);
        return this.#upload.encode(this.#upload.copyWords(envelope), envelope, null);
      }),
    );
  }

  /** Puts the elements of one ciphertext, x - zeroPoint modulo t, into slots and those into the plaintext object. */
  #load({ slots, elements }: SlotPlacement, data: Float64Array): void {
    const { plainModulus, degree } = this.#context;
    const { zeroPoint } = this.#view.shape.input;
    const values = new Float64Array(degree);
    for (let index = 0; index < elements.length; index++) {
      const value = (data[elements[index]!]! - zeroPoint) % plainModulus;
      values[slots[index]!] = value < 0 ? value + plainModulus : value;
    }
    this.#transform.encode(values).forEach((coefficient, index) => {
      this.#writer.put(index, coefficient);
    });
    this.#writer.load(this.#tools.plaintext);
  }

  decrypt(results: readonly Uint8Array[]): Tensor {
    this.#checkCount(results);
    const { batch, channels, height, width } = this.#output;
    const shape = [batch, channels, height, width];
    const data = new Float64Array(elementCount(shape));
    guardSeal('decrypt', () => {
      const zeros = new Float64Array(this.#coefficients.length);
      for (const row of this.#view.transfer.emptyRows) this.#decodeRow(row, zeros, data);
      this.#rows.forEach((row, index) => {
        const { ciphertext, plaintext, decryptor } = this.#tools;
        this.#loadResult(results, index);
        decryptor.decrypt(ciphertext, plaintext);
        const coefficients = readPlaintext(this.#seal, plaintext, this.#coefficients);
        this.#decodeRow(row, this.#transform.decode(coefficients), data);
      });
    });
    return { shape, data };
  }

  #decodeRow(row: number, residues: Float64Array, data: Float64Array): void {
    const { slots, elements } = this.#outputs[row]!;
    this.#decode({ coefficients: slots, elements }, residues, data);
  }

  #checkCount(results: readonly Uint8Array[]): void {
    this.#scope.assertOpen('client');
    requireCiphertextCount('results', this.#rows.length, results.length);
  }

  /** Loads result number `index` into the ciphertext object; returns its envelope. */
  #loadResult(results: readonly Uint8Array[], index: number): Uint8Array {
    const envelope = this.#response.decode(results[index]!, null, `results[${index}]`);
    this.#tools.ciphertext.loadFromArray(this.#context.context, envelope);
    return envelope;
  }

  measuredBudgetBits(results: readonly Uint8Array[]): number {
    this.#checkCount(results);
    return guardSeal('measure the noise', () => {
      if (results.length === 0) return freshBudgetBits(this.#seal, this.#context, this.#tools);
      return results.reduce((smallest, _, index) => {
        const envelope = this.#loadResult(results, index);
        return Math.min(smallest, this.#tools.meter.budgetBits(this.#tools.ciphertext, envelope, null));
      }, Infinity);
    });
  }

  secretKey(): TernaryKey {
    this.#scope.assertOpen('client');
    return guardSeal('read the secret key', () =>
      secretCoefficients(this.#seal, this.#context, this.#view, this.#tools),
    );
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
