import type { Tensor } from '../../compiler/base/tensor.ts';
import { bitLength } from '../../compiler/base/interval.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { centredInputRange, outputShape } from '../../compiler/convolution/shape.ts';
import type { OutputShape } from '../../compiler/convolution/shape.ts';
import type { ElementPlaces } from '../../compiler/lowering/layout.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { viewRules } from '../../compiler/lowerings/views.ts';
import { bytesOf } from '../ring/arithmetic.ts';
import type { RingModule } from '../ring/module.ts';
import { requireLength, responseByteLength, responseCodes } from '../wire/ciphertexts.ts';
import { codeBits, packedBytes } from '../wire/coefficients.ts';
import { uploadCodes } from '../wire/uploads.ts';
import { checkInput } from './checkInput.ts';
import { MessageCoder } from './messageCoder.ts';
import type { MessageCodes } from './messageCoder.ts';
import { channelWindows, resultOrder, uploadOrder, writeZeros } from './travelling.ts';
import type { ChannelWindows, ResultOrder, UploadOrder } from './travelling.ts';

/**
 * Between tensors and the c0 of ciphertexts as they travel, for a toeplitz plan and whoever has the masks: no key, no
 * product. Everything about where elements stand is found once.
 */
export class TensorCoder {
  readonly uploads: readonly UploadOrder[];
  readonly results: readonly ResultOrder[];
  readonly #view: ClientView;
  readonly #zeros: readonly ElementPlaces[];
  readonly #coder: MessageCoder;
  readonly #codes: MessageCodes;
  readonly #output: OutputShape;
  readonly #windows: ChannelWindows;
  readonly #responseLengths: readonly number[];

  constructor(ring: RingModule, view: ClientView) {
    const { parameters, wire, shape } = view;
    const layout = viewRules(view).layout(view);
    this.#view = view;
    this.#output = outputShape(shape);
    this.#windows = channelWindows(view, this.#output);
    this.uploads = layout.uploads.map((places) => uploadOrder(places, parameters.degree));
    this.results = layout.results.map((places) => resultOrder(places, this.#windows));
    this.#zeros = layout.zeros;
    this.#codes = {
      upload: uploadCodes(parameters, wire).c0,
      response: responseCodes(parameters, wire).c0,
    };
    this.#coder = new MessageCoder(ring, parameters, this.#codes, centredInputRange(shape.input));
    this.#responseLengths = this.results.map(({ travelling }) =>
      responseByteLength(parameters, wire, travelling),
    );
  }

  /** @throws CipherconvError `shape-mismatch` or `out-of-range` for an input that the plan was not made for. */
  check(input: Tensor): void {
    checkInput(input, this.#view.shape);
  }

  /**
   * Upload number `index` of `data` (flat NCHW, raw values), with room for what follows c0.
   * @param masks -(a s + e) at the coefficients that travel
   */
  encode(index: number, data: Float64Array, masks: Uint8Array, room: number): Uint8Array {
    const { count, places, elements } = this.uploads[index]!;
    const { zeroPoint } = this.#view.shape.input;
    const { values } = this.#coder;
    if (places.length < count) values.fill(0, 0, count);
    for (let at = 0; at < places.length; at++) values[places[at]!] = data[elements[at]!]! - zeroPoint;
    const bytes = new Uint8Array(packedBytes(codeBits(this.#codes.upload, count)) + room);
    this.#coder.encode(count, masks, bytes);
    return bytes;
  }

  /**
   * Reads c0 of result number `index` and adds what the key makes of c1; then `budgetBits` may be asked.
   * @throws CipherconvError `malformed-tensor`.
   */
  unmask(index: number, bytes: Uint8Array, masks: Uint8Array): void {
    const where = this.#checkLength(index, bytes);
    this.#coder.unmask(bytes, this.results[index]!.travelling, masks, where);
  }

  #checkLength(index: number, bytes: Uint8Array): string {
    const where = `results[${index}]`;
    requireLength(bytes, this.#responseLengths[index]!, where);
    return where;
  }

  /** Bytes of the masks of result number `index`. */
  maskBytes(index: number): number {
    const { elements } = this.results[index]!;
    return this.#codes.response.codes.reduce((sum, { prime }) => sum + elements.length * bytesOf(prime), 0);
  }

  /** Accumulators of the outputs that are not computed stand in it already. */
  startOutput(): Float64Array {
    const { batch, channels, height, width } = this.#output;
    const data = new Float64Array(batch * channels * height * width);
    const { plainModulus } = this.#view.parameters;
    for (const places of this.#zeros) writeZeros(places, this.#windows, plainModulus, data);
    return data;
  }

  /**
   * Reads c0 of result number `index`, adds what the key makes of c1, and writes the accumulators to where they stand in `data`.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(index: number, bytes: Uint8Array, masks: Uint8Array, data: Float64Array): void {
    const where = this.#checkLength(index, bytes);
    const { travelling, elements, windows, runs } = this.results[index]!;
    this.#coder.decrypt(bytes, travelling, masks, windows, where);
    const { values } = this.#coder;
    if (runs !== null) {
      for (const { first, end, element } of runs) data.set(values.subarray(first, end), element);
      return;
    }
    for (let at = 0; at < elements.length; at++) data[elements[at]!] = values[at]!;
  }

  finishOutput(data: Float64Array): Tensor {
    const { batch, channels, height, width } = this.#output;
    return { shape: [batch, channels, height, width], data };
  }

  /** SEAL's noise budget of what was unmasked last, bits. */
  budgetBits(index: number): number {
    return this.#coder.budgetBits(this.results[index]!.elements.length);
  }

  /** The same for a noise of that size. */
  budgetOf(noise: number): number {
    const q = dataModulus(this.#view.parameters);
    const rest = (BigInt(this.#view.parameters.plainModulus) * BigInt(noise)) % q;
    const size = 2n * rest > q ? q - rest : rest;
    return Math.max(0, bitLength(q) - bitLength(size) - 1);
  }

  wipe(): void {
    this.#coder.wipe();
  }
}
