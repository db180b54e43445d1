import { keyCount } from '../../compiler/lowering/plan.ts';
import { complete } from '../../src/hint.ts';
import { compile, parseFilterConfig } from '../../src/index.ts';
import type { CompileOptions } from '../../src/index.ts';
import { keysOf, uploadForm } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../src/frontend/planFile.ts';
import { randomMessage } from './oracle.ts';
import type { Format, PartFormat, Run } from './oracle.ts';
import { Random } from './random.ts';
import { droppedOfDigits } from '../../compiler/bfv/dropStep.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import { clientView, viewRules } from '../../compiler/lowerings/views.ts';

/** A plan under attack, honest messages to begin with, and what its messages have to look like. */
export interface Subject {
  readonly stored: StoredPlan;
  readonly uploads: readonly Uint8Array[];
  readonly keys: Uint8Array;
  readonly uploadFormat: Format;
  readonly keysFormat: Format;
}

function config(channels: number, kernel: number, bits: 2 | 16 = 2): string {
  const taps = channels * kernel * kernel;
  return JSON.stringify({
    version: 1,
    name: `fuzz-${channels}-${kernel}`,
    input: { shape: [1, channels, 12, 9], layout: 'NCHW', bits },
    weights: {
      shape: [1, channels, kernel, kernel],
      layout: 'OIHW',
      bits,
      values: Array.from(
        { length: taps },
        (_, index) => 1 + ((bits === 2 ? index : 7919 * index) % (2 ** bits - 1)),
      ),
    },
  });
}

function bitsOf(value: bigint): number {
  return value.toString(2).length;
}

function run(count: number, prime: bigint, dropped: number): Run {
  return { count, bits: bitsOf(prime - 1n) - dropped, largest: (prime - 1n) >> BigInt(dropped) };
}

/** What stands for c1 of an upload; halves of keys have a seed of SEAL's. */
const SEED_BYTES = { seeded: 32, 'seal-seeded': 64, whole: 0, hint: 0 } as const;

function uploadParts(plan: Plan): PartFormat[] {
  const { parameters, wire } = plan;
  const primes = parameters.dataPrimes.map(BigInt);
  const runs = (count: number, dropped: number): Run[] =>
    droppedOfDigits(primes, dropped).map((ofDigit, index) => run(count, primes[index]!, ofDigit));
  const part = (count: number): PartFormat => {
    const c0 = runs(count, wire.uploadC0);
    const form = uploadForm(plan);
    const polynomials = form === 'whole' ? [c0, runs(parameters.degree, 0)] : [c0];
    return { polynomials, seedBytes: SEED_BYTES[form] };
  };
  const view = clientView(plan);
  return viewRules(view)
    .layout(view)
    .uploads.map(({ travelling }) => part(travelling?.length ?? parameters.degree));
}

/** A half for every rotation and data prime, each under all primes. */
function keyParts(plan: Plan): PartFormat[] {
  const keys = keysOf(plan);
  if (keys === null) return [];
  const { degree, dataPrimes } = plan.parameters;
  const polynomials = [allPrimes(plan.parameters).map((prime) => run(degree, prime, 0))];
  return Array.from({ length: keyCount(keys) * dataPrimes.length }, () => ({
    polynomials,
    seedBytes: SEED_BYTES['seal-seeded'],
  }));
}

async function makeSubject(text: string, options: CompileOptions, seed: number): Promise<Subject> {
  const { plan: stored } = await complete(planCore(compile(parseFilterConfig(text).spec, options), 'NCHW'));
  const { plan, digest } = stored;
  const random = new Random(seed);
  const uploadFormat: Format = { kind: 1, digest, parts: uploadParts(plan) };
  const keysFormat: Format = { kind: 3, digest, parts: keyParts(plan) };
  return {
    stored,
    // Numbers below the modulus are all that an upload is made of: whether they encrypt something, no server can see.
    uploads: Array.from({ length: 4 }, () => randomMessage(uploadFormat, random)),
    keys: randomMessage(keysFormat, random),
    uploadFormat,
    keysFormat,
  };
}

export interface Subjects {
  /** One ciphertext. */
  readonly small: Subject;
  /** Several ciphertexts. */
  readonly several: Subject;
  /** Uploads carry c1 itself instead of its seed. */
  readonly whole: Subject;
  /** Under several primes, of which low bits do not travel. */
  readonly digits: Subject;
  /** With a hint: uploads are c0 alone. */
  readonly hint: Subject;
  /** With evaluation keys. */
  readonly rotating: Subject;
}

export async function makeSubjects(seed: number): Promise<Subjects> {
  const subjects = {
    small: await makeSubject(
      config(1, 3),
      { lowering: 'toeplitz', upload: 'seeded', protocol: 'standard' },
      seed,
    ),
    several: await makeSubject(
      config(20, 3),
      { lowering: 'toeplitz', degree: 1024, upload: 'seeded', protocol: 'standard' },
      seed,
    ),
    whole: await makeSubject(
      config(1, 3),
      { lowering: 'toeplitz', kernel: 'direct', upload: 'whole', protocol: 'standard' },
      seed,
    ),
    digits: await makeSubject(
      config(12, 3, 16),
      { lowering: 'toeplitz', upload: 'seeded', protocol: 'standard', objective: 'bandwidth' },
      seed,
    ),
    hint: await makeSubject(config(3, 3), { lowering: 'toeplitz', kernel: 'direct', protocol: 'hint' }, seed),
    rotating: await makeSubject(config(1, 2), { lowering: 'diagonals' }, seed),
  };
  if (subjects.several.uploadFormat.parts.length < 2)
    throw new Error('one ciphertext where several were meant');
  const { parameters, wire } = subjects.digits.stored.plan;
  if (parameters.dataPrimes.length < 2 || wire.uploadC0 === 0)
    throw new Error('no dropped bits under several primes where some were meant');
  if (subjects.rotating.keysFormat.parts.length === 0)
    throw new Error('no evaluation keys where some were meant');
  return subjects;
}
