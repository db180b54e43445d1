import { fc } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { messageRounding } from '../../compiler/bfv/noise.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { ScalingTable, scaledMessage } from '../../runtime/client/scaling.ts';
import { ZeroPool } from '../../runtime/client/zeroPool.ts';

describe('scaled messages', () => {
  it('are q m / t off by at most 1/2 for even t and 1/2 + 1/2t for odd t, both reached', () => {
    for (const t of [2, 3, 7, 46, 81]) {
      const [q, plain] = [12289n, BigInt(t)];
      // Differences times 2t, so that everything is whole.
      const differences = Array.from(
        { length: t },
        (_, message) => 2n * plain * scaledMessage(q, t, message) - 2n * q * BigInt(message),
      );
      const bound = messageRounding(t) === 1n ? plain : plain + 1n;
      const most = differences.reduce((largest, value) => (value > largest ? value : largest), 0n);
      expect(differences.every((value) => value <= bound && -value <= bound)).toBe(true);
      expect(most).toBe(bound);
    }
  });

  for (const bits of [[14], [26], [33], [60], [31, 30]]) {
    it(`add modulo primes of ${bits.join(' + ')} bits, exactly`, () => {
      const degree = 4096;
      const primes: bigint[] = [];
      for (const size of bits) primes.push(nttPrimes(1024, size, 1, primes)[0]!);
      const parameters = {
        degree,
        plainModulus: 46,
        dataPrimes: primes.map(String),
        specialPrime: null,
        securityBits: 128,
      } as const;
      const table = new ScalingTable(parameters, { lo: -3, hi: 45 });
      const q = primes.reduce((product, prime) => product * prime, 1n);
      fc.assert(
        fc.property(
          fc.integer({ min: -3, max: 45 }),
          fc.nat(degree - 1),
          fc.array(fc.bigInt({ min: 0n, max: 2n ** 60n }), { minLength: 2, maxLength: 2 }),
          (value, coefficient, random) => {
            const before = primes.map((prime, which) =>
              which === 0 && value % 5 === 0 ? prime - 1n : random[which]! % prime,
            );
            const words = new Uint32Array(2 * degree * primes.length);
            before.forEach((word, which) => {
              words[2 * (which * degree + coefficient)] = Number(word & 0xffffffffn);
              words[2 * (which * degree + coefficient) + 1] = Number(word >> 32n);
            });
            table.add(words, degree, coefficient, value);
            const scaled = scaledMessage(q, 46, ((value % 46) + 46) % 46);
            before.forEach((word, which) => {
              const at = 2 * (which * degree + coefficient);
              const after = (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
              expect(after).toBe((word + scaled) % primes[which]!);
            });
          },
        ),
      );
    });
  }
});

describe('the pool of zeros', () => {
  it('hands out each once, also when it has run out, and forgets the rest', () => {
    let made = 0;
    const pool = new ZeroPool(() => Uint8Array.of(++made));
    pool.fill(2);
    const taken = [pool.take(), pool.take(), pool.take()];
    expect(new Set(taken.map((zero) => zero[0])).size).toBe(3);
    expect(made).toBe(3);
    pool.fill(1);
    pool.destroy();
    expect(pool.size).toBe(0);
    expect(pool.take()[0]).toBe(5);
  });
});
