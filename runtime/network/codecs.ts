import { parametersFor } from '../../compiler/network/plan.ts';
import type { NetworkParameters } from '../../compiler/network/plan.ts';
import { ciphertextFrames } from '../seal/ciphertext.ts';
import type { BfvContext } from '../seal/context.ts';
import type { PublicSeal } from '../seal/module.ts';
import { ResponseCodec } from '../wire/ciphertexts.ts';
import { UploadCodec } from '../wire/uploads.ts';
import type { PackingModule } from '../wire/packer.ts';
import type { LevelContext } from './levels.ts';
import { NETWORK_WIRE } from './messages.ts';

/** How ciphertexts of one plain modulus travel. */
export interface NetworkCodecs {
  readonly upload: UploadCodec;
  readonly response: ResponseCodec;
}

/** @param last the level of the results, which have fewer data primes than uploads */
export function networkCodecs(
  seal: PublicSeal,
  packing: PackingModule,
  parameters: NetworkParameters,
  context: BfvContext,
  last: LevelContext,
): NetworkCodecs {
  const first = parametersFor(parameters, context.plainModulus);
  const left = { ...first, dataPrimes: first.dataPrimes.slice(0, last.dataPrimeCount) };
  return {
    upload: new UploadCodec(packing, ciphertextFrames(seal, context, 'transformed'), first, NETWORK_WIRE),
    response: new ResponseCodec(packing, ciphertextFrames(seal, last), left, NETWORK_WIRE),
  };
}
