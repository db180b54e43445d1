import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, cipherconv, ROOT, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
const PICTURE = join(ROOT, 'examples', 'picture-28.png');
const PLAN = join(folder, 'plan.json');

/** A device that is always full. */
const FULL = '/dev/full';

function withFull(
  args: readonly string[],
  streams: { stdout?: number; stderr?: number },
): { status: number | null; stderr: string | null; stdout: string | null } {
  return spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    cwd: ROOT,
    stdio: ['ignore', streams.stdout ?? 'pipe', streams.stderr ?? 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  });
}

describe.skipIf(!existsSync(FULL))('a stream that takes no more is one line and exit 2', () => {
  it('has a plan', () => {
    expect(cipherconv(['compile', GAUSSIAN, '-o', PLAN]).code).toBe(0);
  });

  it.each([
    [['--version']],
    [['--help']],
    [['lint', 'examples']],
    [['lint', 'examples', '--format', 'json']],
    [['compile', GAUSSIAN]],
    [['compile', GAUSSIAN, '--json']],
    [['explain', GAUSSIAN]],
    [['explain', PLAN, '--json']],
    [['run', GAUSSIAN, '-i', PICTURE, '-q']],
    [['run', GAUSSIAN, '-i', PICTURE, '-q', '--json']],
    [['run', GAUSSIAN, '-i', PICTURE, '-q', '-o', '-']],
    [['completion', 'bash']],
  ])('stdout: %j', (args) => {
    const full = openSync(FULL, 'w');
    const { status, stderr } = withFull(args, { stdout: full });
    closeSync(full);
    // --quiet silences notices, never an error.
    const lines = stderr?.trimEnd().split('\n') ?? [];
    expect(lines.filter((line) => line.startsWith('error: '))).toEqual([
      'error: stdout cannot be written: no space left',
    ]);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(2);
  });

  it.each([[['compile', 'nowhere.conv.json']], [['frobnicate']], [['compile', GAUSSIAN, '-o', PLAN]]])(
    'stderr: %j',
    (args) => {
      const full = openSync(FULL, 'w');
      const { status } = withFull(args, { stderr: full });
      closeSync(full);
      expect(status).toBe(2);
    },
  );

  it('a named output that is full', () => {
    const ended = cipherconv(['compile', GAUSSIAN, '-o', FULL]);
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${FULL}: cannot be written: no space left\n`,
    });
  });
});
