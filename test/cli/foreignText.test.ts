import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { config } from '../frontend/fixtures.ts';
import { BIN, cipherconv, temporaryFolder } from './spawnCli.ts';

/** A name that clears the screen and forges a line of its own. */
const HOSTILE = 'x\u001b[2J\u009b1mz\nerror: forged';
const SHOWN = 'x\\u{1b}[2J\\u{9b}1mz\\u{a}error: forged';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function put(name: string, content: unknown): string {
  writeFileSync(at(name), JSON.stringify(content));
  return at(name);
}

const NAMED = put('named.conv.json', config({ name: HOSTILE }));

function expectPlain(text: string): void {
  // Everything but the line break.
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(text).not.toMatch(/^error: forged/m);
}

describe('names from files never steer the terminal', () => {
  it.each([
    ['compile', ['compile', NAMED, '-o', at('plan.json')], 'stderr'],
    ['explain', ['explain', NAMED], 'stdout'],
    ['lint', ['lint', NAMED], 'stdout'],
    ['lint of a name that is not there', ['lint', at(`${HOSTILE}.conv.json`)], null],
    ['an unknown key', ['compile', put('key.conv.json', { ...config(), [HOSTILE]: 1 })], null],
    ['a file that is not there', ['compile', at(`${HOSTILE}.conv.json`)], 'stderr'],
    ['the same with its stack', ['compile', at(`${HOSTILE}.conv.json`), '--debug'], 'stderr'],
    ['an unknown option', ['compile', 'x', `--${HOSTILE}`], 'stderr'],
    ['an unknown command', [HOSTILE], 'stderr'],
    ['a wrong choice', ['compile', 'x', '--lowering', HOSTILE], 'stderr'],
  ] as const)('%s', (_, args, stream) => {
    const ended = cipherconv(args);
    if (stream !== null) expect(ended[stream]).toContain(SHOWN);
    expectPlain(ended.stdout);
    expectPlain(ended.stderr);
  });

  it('serve', async () => {
    expect(cipherconv(['compile', NAMED, '-o', at('served.json')]).code).toBe(0);
    const child = spawn(process.execPath, [BIN, 'serve', at('served.json'), '--port', '0', '--workers', '1']);
    let stderr = '';
    await new Promise<void>((resolve, reject) => {
      child.on('exit', () => {
        reject(new Error(stderr));
      });
      child.stderr.on('data', (data: Buffer) => {
        stderr += data.toString();
        if (stderr.includes('"listening"')) resolve();
      });
    });
    const ended = new Promise((resolve) => child.removeAllListeners('exit').on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    expect(stderr).toContain(`serving ${SHOWN}`);
    expectPlain(stderr);
  });

  it('a suggestion keeps its own line', () => {
    const { stderr } = cipherconv(['complie']);
    expect(stderr).toBe("error: unknown command 'complie'\n(Did you mean compile?)\n");
  });
});
