import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { UploadReader } from '../../runtime/wire/uploads.ts';
import { run } from '../../src/run.ts';
import { SealJudge } from '../../src/sealJudge.ts';
import type { JudgedRun } from '../../src/sealJudge.ts';
import { compileToeplitz } from '../support/compile.ts';
import { hinted } from '../support/hints.ts';
import { fc, runs } from '../support/properties.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const spec = simpleSpec({
  input: { batch: 2, channels: 3, height: 30, width: 30, zeroPoint: 2 },
  weights: { channelsPerGroup: 3, values: Array.from({ length: 27 }, (_, index) => index % 4) },
});

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
const actualWords = UploadReader.prototype.words;

/** Some tens in `npm test`, 2,000 in a round of `npm run test:more`. */
const PROGRAMS = runs(1) === 1 ? 30 : runs(400);

/** Everything is ours: uploads, words, decryption. */
const AGREED = { decryptsEqual: true, wordsEqual: true };

describe('SEAL as the judge of a run', () => {
  it.each([
    ['seeded', { kernel: 'direct', upload: 'seeded' }, AGREED, 'ring'],
    ['whole', { kernel: 'direct', upload: 'whole' }, AGREED, 'ring'],
    ['hints', { protocol: 'hint' }, AGREED, 'ring'],
    ['hints, several block groups', { protocol: 'hint', degree: 1024 }, AGREED, 'ring'],
    ['the ntt kernel', { kernel: 'ntt' }, AGREED, 'ring'],
    ['SEAL itself', { engine: 'seal' }, null, 'seal'],
  ] as const)('%s', async (_, options, seal, engine) => {
    const { report } = await run(compileToeplitz(spec, options), randomInput(spec, 3));
    expect(report).toMatchObject({ match: true, seal, engine });
    expect(report.noise.measuredBudgetBits).toBeGreaterThanOrEqual(
      Math.floor(report.noise.predictedBudgetBits),
    );
    expect(report.ms.online).toBeCloseTo(report.ms.encrypt + report.ms.evaluate + report.ms.decrypt, 2);
    expect(report.ms.offline).toBeGreaterThanOrEqual(report.ms.keygen + report.ms.prepare);
  });

  it('is asked as much as is wanted', async () => {
    const plan = compileToeplitz(spec, { protocol: 'hint' });
    const input = randomInput(spec, 3);
    expect((await run(plan, input, { judge: 'decrypt' })).report.seal).toEqual({
      decryptsEqual: true,
      wordsEqual: null,
    });
    expect((await run(plan, input, { judge: 'none' })).report.seal).toBeNull();
  });

  it.each([{ kernel: 'ntt' }, { kernel: 'direct' }] as const)(
    'reads uploads by itself: a wrong word, too small a mistake for decryption, shows (%j)',
    async (options) => {
      // Runs as before, but that what cutting adds back to a word, the middle of what it may have been, is lost.
      const words = vi.spyOn(UploadReader.prototype, 'words').mockImplementation(function (
        this: UploadReader,
      ) {
        const read = actualWords.call(this);
        for (let word = 0; word < 1024; word++) read[2 * word] = (read[2 * word]! & ~31) >>> 0;
        return read;
      });
      const { report } = await run(compileToeplitz(spec, options), randomInput(spec, 3));
      expect(words).toHaveBeenCalled();
      words.mockRestore();
      expect(report).toMatchObject({ mismatches: 0, match: false });
      expect(report.seal).toEqual({ decryptsEqual: true, wordsEqual: false });
    },
  );

  it('random plans with hints: c0 and H are what SEAL computes from (c0, a), and it decrypts to the same', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(200), fc.integer(), async (random, seed) => {
        fc.pre(compileToeplitz(random).execution.kernel === 'direct');
        const { report } = await run(
          compileToeplitz(random, { protocol: 'hint' }),
          randomInput(random, seed),
        );
        expect(report.match).toBe(true);
        if (report.bytes.response > 0) expect(report.seal).toEqual(AGREED);
      }),
      { numRuns: runs(2) },
    );
  });
});

describe('many random programs', () => {
  // Pictures a little larger than their kernels: the smallest ring and few of its ciphertexts, all kinds of program.
  it('c0 and H are the words that SEAL computes from (c0, a), and it decrypts to the same', async () => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(4), fc.integer(), async (random, seed) => {
        const plan = hintPlanOf(random);
        fc.pre(plan !== null);
        const { report } = await run(plan, randomInput(random, seed));
        expect(report.match).toBe(true);
        if (report.bytes.response === 0) return;
        expect(report.seal).toEqual(AGREED);
        judged++;
      }),
      { numRuns: PROGRAMS },
    );
    expect(judged).toBeGreaterThan(PROGRAMS / 2);
  });
});

/** Null for a program that hints are not for: that is a refusal of its own kind. */
function hintPlanOf(random: ConvSpec): ToeplitzPlan | null {
  return compileToeplitz(random).execution.kernel === 'direct'
    ? compileToeplitz(random, { protocol: 'hint' })
    : null;
}

describe('a judge', () => {
  it.each(['standard', 'hint'] as const)(
    'sees a changed word, a changed hint and a changed output (%s)',
    async (protocol) => {
      const plan = compileToeplitz(spec, { protocol, kernel: 'direct' });
      const input = randomInput(spec, 5);
      using evaluator = await createEvaluator(plan);
      const { made, facts } = await encrypted();
      const response = evaluator.evaluate(made.upload);
      const honest: JudgedRun = { ...made, response, output: made.decrypt(response) };
      const judge = (await SealJudge.open(plan, facts, 'full', {}))!;
      expect(await judge.judge(honest)).toEqual(AGREED);
      const changed = response.map((bytes, index) =>
        index === 0 ? bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) : bytes,
      );
      expect(await judge.judge({ ...honest, response: changed })).toMatchObject({ wordsEqual: false });
      // A result that is missing, and one besides.
      const none = { decryptsEqual: false, wordsEqual: false };
      expect(await judge.judge({ ...honest, response: response.slice(1) })).toEqual(none);
      expect(await judge.judge({ ...honest, response: [...response, response[0]!] })).toEqual(none);
      const output = {
        ...honest.output,
        data: honest.output.data.map((value, at) => (at === 7 ? value + 1 : value)),
      };
      expect(await judge.judge({ ...honest, output })).toEqual({ decryptsEqual: false, wordsEqual: true });
      judge.dispose();
      if (facts !== null) {
        const hint = facts.hint.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
        const other = (await SealJudge.open(plan, { ...facts, hint }, 'full', {}))!;
        expect(await other.judge(honest)).toMatchObject({ wordsEqual: false });
        other.dispose();
      }

      async function encrypted() {
        if (protocol === 'hint') {
          const { client, publicSeed, hint } = await hinted(plan, { keepSecrets: true });
          const exchange = client.begin(input);
          const keys = exchange.secrets().map((secret) => secret.slice());
          const decrypt = (results: readonly Uint8Array[]) => exchange.decrypt(results);
          return { made: { upload: exchange.upload, keys, decrypt }, facts: { publicSeed, hint } };
        }
        const client = await createClient(clientView(plan));
        const decrypt = (results: readonly Uint8Array[]) => client.decrypt(results);
        return { made: { upload: client.encrypt(input), keys: [client.secretKey()], decrypt }, facts: null };
      }
    },
  );
});
