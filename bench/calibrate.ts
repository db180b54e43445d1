/**
 * `npm run bench:calibrate`: times the node-seal operations at every ring degree on this machine and writes the cost
 * table that the packing search uses. Plans depend on the table, so it is checked in and changed on purpose only.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { OperationCosts } from '../compiler/cost/operationCosts.ts';
import { nttPrimes } from '../compiler/rings/primes.ts';
import { DEGREES, largestModulusBits } from '../compiler/bfv/security.ts';
import type { Degree } from '../compiler/bfv/security.ts';
import { loadDirect } from '../runtime/evaluator/direct/module.ts';
import { loadSeal } from '../runtime/seal/module.ts';
import { loadPacking } from '../runtime/wire/packer.ts';
import { measureDirect } from './directOperations.ts';
import { combineCosts, RawOperations } from '../src/bench/rawOperations.ts';
import { measureWire } from './wireOperations.ts';
import type { Parameters } from '../compiler/bfv/parameters.ts';

const ROUNDS = 12;
const CALLS = 200;
/** Weights of a middling layer; many more only move the work from the cache to memory. */
const DISTINCT_PLAINTEXTS = 256;
const DISTINCT_CIPHERTEXTS = 16;

async function costsOf(degree: Degree): Promise<OperationCosts> {
  const bits = Math.min(50, largestModulusBits(degree, 128));
  const parameters: Parameters = {
    degree,
    plainModulus: 1000,
    dataPrimes: nttPrimes(degree, bits, 1).map(String),
    specialPrime: null,
    securityBits: 128,
  };
  const operations = new RawOperations(await loadSeal(), parameters, {
    distinctPlaintexts: DISTINCT_PLAINTEXTS,
    distinctCiphertexts: DISTINCT_CIPHERTEXTS,
  });
  try {
    operations.measure(CALLS); // warm up
    return combineCosts(
      Array.from({ length: ROUNDS }, () => operations.measure(CALLS)),
      lowerQuartile,
    );
  } finally {
    operations.dispose();
  }
}

/** Robust against what else the machine does: a timing is only ever too long. */
function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 4)] ?? 0;
}

/** Two significant digits: what a timing is worth, and stable between runs. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

const OPERATIONS = ['encrypt', 'load', 'toNtt', 'multiply', 'add', 'fromNtt', 'save', 'decrypt'] as const;

const WIRE_PARTS = ['pack', 'unpack', 'expand'] as const;

const DIRECT_PARTS = ['fourRows', 'oneRow', 'finish', 'split'] as const;

const lines: string[] = [];
for (const degree of DEGREES) {
  const found: OperationCosts = await costsOf(degree);
  const costs = OPERATIONS.map((name) => `${name}: ${rounded(found[name])}`);
  lines.push(`  ${degree}: { ${costs.join(', ')} },`);
  console.error(`calibrate: N = ${degree}: ${costs.join(', ')}`);
}
const direct = measureDirect(await loadDirect());
const directCosts = DIRECT_PARTS.map((name) => `${name}: ${rounded(direct[name])}`).join(', ');
console.error(`calibrate: direct kernel: ${directCosts}`);
const wire = measureWire(await loadPacking());
const wireCosts = WIRE_PARTS.map((name) => `${name}: ${rounded(wire[name])}`).join(', ');
console.error(`calibrate: wire: ${wireCosts}`);
const text = `import type { DirectCosts, OperationCosts, WireCosts } from './operationCosts.ts';
import type { Degree } from '../bfv/security.ts';

/** Written by \`npm run bench:calibrate\`; do not edit. Lower quartiles in microseconds, one thread, one data prime. */
export const MICROSECONDS: Readonly<Record<Degree, OperationCosts>> = {
${lines.join('\n')}
};

/** The direct kernel: nanoseconds for one limb of one coefficient. */
export const DIRECT_NANOSECONDS: DirectCosts = { ${directCosts} };

/** The wire: nanoseconds for one coefficient. */
export const WIRE_NANOSECONDS: WireCosts = { ${wireCosts} };
`;
const target = fileURLToPath(new URL('../compiler/cost/costs.gen.ts', import.meta.url));
await writeFile(target, text);
console.log(`wrote ${target}`);
