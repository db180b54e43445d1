/** `.ci/run` with an npm that only says what it was asked for: what is run, what is left out, what fails. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT, temporaryFolder } from '../cli/spawnCli.ts';

const folder = temporaryFolder();

/** Says what it does. NPM_FAILS names a script that fails; test:more has a find. */
const NPM = `#!/bin/sh
echo "npm $*"
case "$*" in
  *test:more*) mkdir -p reports; echo "FOUND something, seed 7" > reports/more.txt; exit "\${MORE:-1}" ;;
  *ci:summary*) echo "1 passed, 0 failed" ;;
  "run \${NPM_FAILS:-nothing}"*) exit 1 ;;
esac
`;

beforeAll(() => {
  cpSync(join(ROOT, '.ci', 'run'), join(folder, '.ci', 'run'));
  cpSync(join(ROOT, 'test', 'system'), join(folder, 'test', 'system'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'npm'), NPM);
  chmodSync(join(folder, 'bin', 'npm'), 0o755);
  mkdirSync(join(folder, 'data', 'vectors'), { recursive: true });
});

function ci(environment: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(join(folder, '.ci', 'run'), [], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, CHROMIUM: '/bin/true', ...environment },
    encoding: 'utf8',
  });
  return { status, stderr, lines: stdout.trimEnd().split('\n') };
}

const needData = readdirSync(join(ROOT, 'test', 'system')).filter(
  (name) =>
    name.endsWith('.test.ts') &&
    readFileSync(join(ROOT, 'test', 'system', name), 'utf8').includes('DATA_DIR'),
);

describe('.ci/run', () => {
  it('runs everything where all is there', () => {
    const { status, lines } = ci({ CI: 'true', DATA_DIR: 'data' });
    expect(status).toBe(0);
    expect(lines).toContain('npm run test:system --');
    expect(lines).toContain(
      `npm run vectors -- ${join(folder, 'data', 'vectors')} --json reports/vectors.json`,
    );
    expect(lines.filter((line) => line.startsWith('ci:'))).toEqual([]);
    expect(lines.at(-1)).toBe('1 passed, 0 failed');
  });

  it('without outside data runs the rest and says what was not run', () => {
    const { status, lines } = ci({ DATA_DIR: 'nowhere' });
    expect(status).toBe(0);
    const system = lines.find((line) => line.startsWith('npm run test:system'));
    const [, notRun] = /^ci: not run: (.*)$/m.exec(lines.join('\n')) ?? [];
    expect(needData.length).toBeGreaterThan(3);
    for (const name of needData) {
      expect(system).toContain(`--exclude=test/system/${name}`);
      expect(notRun).toContain(name);
    }
    expect(notRun).toContain('npm run vectors');
    expect(lines.join('\n')).not.toContain('npm run vectors -- ');
    expect(lines).toContain('npm test');
    expect(lines.at(-1)).toBe('1 passed, 0 failed');
  });

  it('with CI=true fails without outside data, before anything is run', () => {
    const { status, stderr, lines } = ci({ CI: 'true', DATA_DIR: 'nowhere' });
    expect(status).toBe(1);
    expect(stderr).toContain('no folder nowhere/vectors');
    expect(lines.join('')).toBe('');
  });

  it('prints what fresh seeds found above its last line, and is not red for it', () => {
    const { status, lines } = ci({ CI: 'true', DATA_DIR: 'data' });
    expect(status).toBe(0);
    const find = lines.indexOf('FOUND something, seed 7');
    expect(find).toBeGreaterThan(lines.indexOf('npm run test:more -- --minutes 5'));
    expect(find).toBeLessThan(lines.length - 1);
  });

  it('is red where a step fails, or test:more cannot run at all', () => {
    const step = ci({ CI: 'true', DATA_DIR: 'data', NPM_FAILS: 'lint' });
    expect(step).toMatchObject({ status: 1 });
    expect(step.lines).toContain('ci: failed: npm run lint');
    const more = ci({ CI: 'true', DATA_DIR: 'data', MORE: '2' });
    expect(more).toMatchObject({ status: 1 });
    expect(more.lines).toContain('ci: failed: npm run test:more');
  });
});
