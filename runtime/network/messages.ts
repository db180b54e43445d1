import { parametersFor } from '../../compiler/network/plan.ts';
import { inputCiphertexts } from '../../compiler/network/inputPlaces.ts';
import type { NetworkView } from '../../compiler/network/view.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import { responseByteLength } from '../wire/ciphertexts.ts';
import type { MessageForm } from '../wire/lengths.ts';
import { uploadByteLength } from '../wire/uploads.ts';

/**
 * Every bit travels, c1 of an upload as SEAL's seed. Uploads are in NTT form, the seed included: the server multiplies them
 * before it does anything else. Results are coefficients.
 */
export const NETWORK_WIRE: PlanWire = { upload: 'seal-seeded', uploadC0: 0, responseC0: 0, responseC1: 0 };

/**
 * The form of a network's messages: the ciphertexts of an upload modulus after modulus, one result for each modulus, the
 * keys once. One q serves all plain moduli, so nothing here depends on which one it is.
 */
export function networkMessageForm(view: NetworkView): MessageForm {
  const { plainModuli, dataPrimes } = view.parameters;
  const parameters = parametersFor(view.parameters, plainModuli[0]!);
  const left = { ...parameters, dataPrimes: dataPrimes.slice(0, view.resultPrimes) };
  const count = plainModuli.length * inputCiphertexts(view.uploads, parameters.degree);
  const upload = uploadByteLength(parameters, NETWORK_WIRE, null);
  const response = responseByteLength(left, NETWORK_WIRE, null);
  return {
    parameters,
    wire: NETWORK_WIRE,
    uploads: Array.from({ length: count }, () => null),
    lengths: {
      upload: Array.from({ length: count }, () => upload),
      response: plainModuli.map(() => response),
      keys: view.keys.bytes === 0 ? [] : [view.keys.bytes],
    },
  };
}
