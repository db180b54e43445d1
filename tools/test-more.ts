/**
 * The property tests again, with fresh seeds and large counts, round after round until the time is up:
 * `npm run test:more -- [--minutes N] [--seed SEED] [FILE...]`
 *
 * Every round prints its seed. `--seed` makes one round with that seed, without an end: so a find is made again.
 * What was found is written to reports/more.txt too. Exit code 1: something was found, 2: nothing could be run.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { again, findsOf, findsSoFar } from './finds.ts';
import type { ProgressLine } from './finds.ts';
import type { VitestReport } from './vitest-report.ts';

const ROOT = join(import.meta.dirname, '..');
const REPORT = 'reports/more.json';
const PROGRESS = join(ROOT, 'reports', 'more-progress.jsonl');
const FINDS = 'reports/more.txt';

/** A factor on the counts of `npm test`. Some properties then take a minute; more rounds do the rest. */
const FACTOR = 5;

/** A test that has begun may end after the time is up. One that takes longer than this is killed, and is a find. */
const GRACE_MS = 180_000;

interface Round {
  readonly seed: number;
  readonly files: readonly string[];
  /** Milliseconds since 1970; null: no end. */
  readonly until: number | null;
}

/** Test files with properties: those that take their seeds from test/support/properties.ts. */
function propertyTests(): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT });
  return files.filter((file) => readFileSync(join(ROOT, file), 'utf8').includes('support/properties.ts'));
}

/** Runs vitest to its end. False if it had to be killed. */
function ended({ seed, files, until }: Round): Promise<boolean> {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const progress = `--reporter=${join(import.meta.dirname, 'progress-reporter.ts')}`;
  const options = ['--reporter=dot', '--reporter=json', `--outputFile.json=${REPORT}`, progress];
  // Counts are larger, so time limits must be too.
  const order = ['--sequence.shuffle.files', `--sequence.seed=${seed}`, '--testTimeout=900000'];
  const child = spawn(process.execPath, [vitest, 'run', ...options, ...order, ...files], {
    cwd: ROOT,
    stdio: 'inherit',
    detached: true,
    env: {
      ...process.env,
      PROGRESS_FILE: PROGRESS,
      PROPERTY_SEED: String(seed),
      PROPERTY_FACTOR: String(FACTOR),
      ...(until === null ? {} : { PROPERTY_UNTIL: String(until) }),
    },
  });
  return new Promise((resolve, reject) => {
    let killed = false;
    // Its workers are in its process group.
    const kill = (): void => {
      killed = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const stop = (): void => {
      kill();
      process.exit(130);
    };
    const timer = until === null ? undefined : setTimeout(kill, until + GRACE_MS - Date.now());
    process.once('SIGINT', stop);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      process.off('SIGINT', stop);
      resolve(!killed);
    });
  });
}

interface Outcome {
  readonly passed: number;
  readonly finds: readonly string[];
}

async function runRound(round: Round): Promise<Outcome> {
  rmSync(join(ROOT, REPORT), { force: true });
  writeFileSync(PROGRESS, '');
  if (!(await ended(round))) {
    // The last line may be cut off.
    const lines = readFileSync(PROGRESS, 'utf8').split('\n').slice(0, -1);
    const outcome = findsSoFar(
      lines.map((line) => JSON.parse(line) as ProgressLine),
      round.seed,
    );
    const nothing = [`a test file did not end\n  ${again(round.seed, ...round.files)}`];
    return outcome.finds.length > 0 ? outcome : { ...outcome, finds: nothing };
  }
  const report = JSON.parse(readFileSync(join(ROOT, REPORT), 'utf8')) as VitestReport;
  return { passed: report.numPassedTests, finds: findsOf(report, round.seed) };
}

function numberOf(text: string, option: string, isRight: (value: number) => boolean): number {
  const value = Number(text);
  if (text.trim() === '' || !isRight(value))
    throw new Error(`--${option} ${text}: not a number that it takes`);
  return value;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
    allowPositionals: true,
  });
  const minutes = numberOf(values.minutes, 'minutes', (value) => value > 0 && value <= 1440);
  const seed =
    values.seed === undefined
      ? null
      : numberOf(values.seed, 'seed', (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31);
  const files = positionals.length > 0 ? positionals : propertyTests();
  const until = seed === null ? Date.now() + minutes * 60_000 : null;
  mkdirSync(join(ROOT, 'reports'), { recursive: true });
  const finds: string[] = [];
  const seeds: number[] = [];
  let passed = 0;
  do {
    const round = { seed: seed ?? randomInt(2 ** 31), files, until };
    console.log(`test:more: round ${seeds.length + 1}, seed ${round.seed}`);
    const outcome = await runRound(round);
    seeds.push(round.seed);
    passed += outcome.passed;
    finds.push(...outcome.finds);
  } while (until !== null && Date.now() < until);
  if (passed + finds.length === 0) throw new Error('nothing ran');
  const summary = `test:more: ${finds.length} found, ${passed} passed, seeds ${seeds.join(', ')}`;
  const text = [...finds.map((find) => `FOUND ${find}`), summary].join('\n');
  writeFileSync(join(ROOT, FINDS), `${text}\n`);
  console.log(text);
  process.exitCode = finds.length > 0 ? 1 : 0;
}

main().catch((error: unknown) => {
  console.error(`test:more: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
});
