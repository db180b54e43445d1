import { describe, expect, it } from 'vitest';
import { bitLength } from '../../compiler/base/interval.ts';
import { DEGREES, largestModulusBits } from '../../compiler/bfv/security.ts';
import type { Degree, SecurityBits } from '../../compiler/bfv/security.ts';
import { verifyParameters } from '../../compiler/lowering/checkParameters.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { encodePlan, parsePlan, storedPlan } from '../../src/frontend/planFile.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

/** "Security Guidelines for Implementing Homomorphic Encryption" (2024), classical, ternary secret: log2 q by N. */
const GUIDELINES: Readonly<Record<SecurityBits, readonly number[]>> = {
  128: [26, 53, 106, 214, 430, 868],
  192: [17, 36, 73, 147, 297, 597],
  256: [0, 27, 56, 114, 230, 462],
};
const LEVELS = [128, 192, 256] as const;

/** One prime of up to 60 bits, or at least two for data and a special one, whose sizes add up to `bits`. */
function parametersOf(degree: Degree, securityBits: SecurityBits, bits: number): Parameters {
  const count = bits <= 60 ? 1 : Math.ceil(bits / 60);
  const primes: bigint[] = [];
  for (let index = 0; index < count; index++)
    primes.push(nttPrimes(degree, Math.floor((bits + index) / count), 1, primes)[0]!);
  expect(primes.reduce((sum, prime) => sum + bitLength(prime), 0)).toBe(bits);
  const decimal = primes.map(String);
  return {
    degree,
    plainModulus: 46,
    securityBits,
    dataPrimes: decimal,
    specialPrime: null,
  };
}

describe('the security table', () => {
  it('has the rows of the guidelines of 2024', () => {
    for (const level of LEVELS)
      expect(DEGREES.map((degree) => largestModulusBits(degree, level))).toEqual(GUIDELINES[level]);
  });

  it.each(LEVELS.flatMap((level) => DEGREES.map((degree, row) => [level, degree, row] as const)))(
    '%i bits at N = %i: q at the bound passes, one bit more does not',
    (level, degree, row) => {
      const bound = GUIDELINES[level][row]!;
      if (bound > 0)
        expect(() => {
          verifyParameters(parametersOf(degree, level, bound), false);
        }).not.toThrow();
      const beyond = parametersOf(degree, level, Math.max(bound + 1, 14));
      const error = errorOf(() => {
        verifyParameters(beyond, false);
      });
      expect(error).toMatchObject({ code: 'plan-rejected', details: { where: 'parameters' } });
      expect(String(error)).toContain(`${level} bits of security at N = ${degree}`);
    },
  );
});

/** The smallest plan of one weight, with another q under it: a plan of the table before. */
function withPrime(plan: Plan, securityBits: SecurityBits, bits: number): Plan {
  const [prime] = nttPrimes(plan.parameters.degree, bits, 1);
  return {
    ...plan,
    parameters: { ...plan.parameters, securityBits, dataPrimes: [String(prime)], specialPrime: null },
  };
}

describe('plans of the table before', () => {
  const spec = simpleSpec({});
  const plan = compileSpec(spec, { lowering: 'toeplitz', degree: 1024, security: 192 });

  it('a plan within the new row is read', () => {
    const stored = storedPlan(plan, 'NCHW');
    expect(parsePlan(encodePlan(stored), 'new.plan.json').digest).toBe(stored.digest);
  });

  it.each([
    [192, 19, 'q is too large for 192 bits of security at N = 1024'],
    [256, 14, 'no q gives 256 bits of security at N = 1024'],
  ] as const)(
    '%i bits with a q of %i bits at N = 1024 are refused, and why is said',
    (level, bits, message) => {
      const text = encodePlan(storedPlan(withPrime(plan, level, bits), 'NCHW'));
      const error = errorOf(() => parsePlan(text, 'old.plan.json'));
      expect(error).toMatchObject({
        code: 'plan-rejected',
        details: { where: 'old.plan.json: parameters', message },
      });
      expect(String(error)).toContain('compile the config again: plans made before keep to an older table');
    },
  );

  it.each(['toeplitz', 'diagonals'] as const)('256 bits at N = 1024 are not compiled (%s)', (lowering) => {
    const error = errorOf(() => compileSpec(spec, { lowering, degree: 1024, security: 256 }));
    expect(error).toMatchObject({ code: 'beyond-bfv' });
    expect(String(error)).toContain('no q gives 256 bits of security at');
  });

  it('the special prime counts where something is rotated, and stands nowhere else', () => {
    const primes = nttPrimes(4096, 37, 2).map(String);
    const special = String(nttPrimes(4096, 16, 1)[0]);
    const parameters = { degree: 4096, plainModulus: 46, securityBits: 192, dataPrimes: primes } as const;
    const error = errorOf(() => {
      verifyParameters({ ...parameters, specialPrime: special }, true);
    });
    expect(error).toMatchObject({
      details: { expected: 'at most 73 bits by the guidelines of 2024', found: '90 bits' },
    });
    const unrotated = errorOf(() => {
      verifyParameters({ ...parameters, specialPrime: special }, false);
    });
    expect(unrotated).toMatchObject({ details: { expected: 'data primes, and no special prime' } });
  });
});
