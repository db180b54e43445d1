import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { viewRules } from '../../compiler/lowerings/views.ts';
import { ciphertextFrames } from '../seal/ciphertext.ts';
import { createContext } from '../seal/context.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import { readPlaintext } from '../seal/plaintext.ts';
import { withScope } from '../seal/scope.ts';
import { importTernary } from '../seal/secretKey.ts';
import { contextPrimes } from '../../compiler/bfv/contextPrimes.ts';
import { ResponseCodec } from '../wire/ciphertexts.ts';
import { loadPacking } from '../wire/packer.ts';
import { makeDecoder } from './decode.ts';
import type { TernaryKey } from './types.ts';

/**
 * What SEAL decrypts the results of a toeplitz plan to (NCHW): the judge of our own decryption.
 * @param keys one secret for all results, or one for each of as many equal parts of them
 * @param results c0 and c1 of each, as `wire` says
 */
export async function decryptWithSeal(
  view: ClientView,
  keys: readonly TernaryKey[],
  results: readonly Uint8Array[],
  wire: PlanWire,
): Promise<Tensor> {
  const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
  const output = outputShape(view.shape);
  const { batch, channels, height, width } = output;
  const layout = viewRules(view).layout(view);
  const decode = makeDecoder(view, output);
  const data = new Float64Array(batch * channels * height * width);
  const coefficients = new Float64Array(view.parameters.degree);
  for (const places of layout.zeros) decode(places, coefficients, data);
  const perKey = layout.results.length / keys.length;
  keys.forEach((key, number) => {
    withScope((scope) => {
      guardSeal('decrypt', () => {
        const context = createContext(scope, seal, view.parameters);
        const template = scope.own(scope.own(new seal.KeyGenerator(context.context)).secretKey());
        const secret = importTernary(scope, seal, context, contextPrimes(view.parameters), template, key);
        const decryptor = scope.own(new seal.Decryptor(context.context, secret));
        const codec = new ResponseCodec(packing, ciphertextFrames(seal, context), view.parameters, wire);
        const ciphertext = scope.own(new seal.Ciphertext());
        const plaintext = scope.own(new seal.Plaintext());
        for (let index = number * perKey; index < (number + 1) * perKey; index++) {
          const places = layout.results[index]!;
          const envelope = codec.decode(results[index]!, places.travelling, `results[${index}]`);
          ciphertext.loadFromArray(context.context, envelope);
          decryptor.decrypt(ciphertext, plaintext);
          decode(places, readPlaintext(seal, plaintext, coefficients), data);
        }
      });
    });
  });
  return { shape: [batch, channels, height, width], data };
}
