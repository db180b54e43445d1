import { nttPrimes } from '../compiler/rings/primes.ts';
import type { WireCosts } from '../compiler/cost/operationCosts.ts';
import { residueCode } from '../runtime/wire/coefficients.ts';
import { Packer } from '../runtime/wire/packer.ts';
import type { PackingModule } from '../runtime/wire/packer.ts';
import { median } from '../src/bench/rawOperations.ts';

/** Times the packing of coefficients for the wire, and the expansion of seeds. */

const DEGREE = 4096;
const BITS = 31;
const CALLS = 50;
const ROUNDS = 9;

/** Nanoseconds for one coefficient, medians. */
export function measureWire(packing: PackingModule): WireCosts {
  const [prime] = nttPrimes(DEGREE, BITS, 1) as [bigint];
  const code = residueCode([prime]);
  const seed = Uint8Array.from({ length: 64 }, (_, index) => index);
  const packer = new Packer(packing, { degree: DEGREE, components: 1 });
  const bytes = new Uint8Array(DEGREE * 8);
  const nanoseconds = (action: () => unknown): number => {
    const samples = Array.from({ length: ROUNDS }, () => {
      const start = performance.now();
      for (let call = 0; call < CALLS; call++) action();
      return ((performance.now() - start) * 1e6) / (CALLS * DEGREE);
    });
    return median(samples);
  };
  packer.words.forEach((_, at, words) => (words[at] = at % 2 === 0 ? at * 7919 : 0));
  return {
    pack: nanoseconds(() => packer.write(bytes, 0, code, 0, null)),
    unpack: nanoseconds(() => packer.read(bytes, 0, code, 0, null, 'bench')),
    expand: nanoseconds(() => {
      packer.expandSeed(seed, [prime], 0);
    }),
  };
}
