/** A folder in which commands of the documentation run as they are written. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { residualModel, SHAPE } from '../model/models.ts';
import { ROOT } from '../cli/spawnCli.ts';

const BIN = join(ROOT, 'src', 'cli', 'bin.ts');

/** `npx cipherconv` and `npm run -s cipherconv --` stand for the program from source; nothing else of npm is run. */
const NPX = `#!/bin/sh
[ "$1" = cipherconv ] || { echo "no test runs npx $1: mark the block as an example" >&2; exit 2; }
shift
exec "${process.execPath}" "${BIN}" "$@"
`;
const NPM = `#!/bin/sh
[ "$1 $2 $3 $4" = "run -s cipherconv --" ] || { echo "no test runs npm $1: mark the block as an example" >&2; exit 2; }
shift 4
exec "${process.execPath}" "${BIN}" "$@"
`;

/** The examples, and files of the names that the pages use. */
export function prepare(folder: string): void {
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  mkdirSync(join(folder, '.bin'));
  for (const [name, text] of [
    ['npx', NPX],
    ['npm', NPM],
  ] as const) {
    writeFileSync(join(folder, '.bin', name), text);
    chmodSync(join(folder, '.bin', name), 0o755);
  }
  const config = join(folder, 'examples', '1-gaussian', 'gaussian.conv.json');
  for (const copy of ['layer.conv.json', 'b.conv.json', 'models/a.conv.json', 'a/deep/c.conv.json'])
    cpSync(config, join(folder, copy));
  cpSync(join(folder, 'examples', 'picture-28.png'), join(folder, 'samples', 'picture.png'));
  const data = Array.from({ length: 16 }, (_, index) => (index * 53) % 256);
  writeFileSync(join(folder, 'x.json'), JSON.stringify({ shape: SHAPE, data }));
  writeFileSync(join(folder, 'model.onnx'), residualModel());
}

function environment(folder: string): NodeJS.ProcessEnv {
  const path = `${join(folder, '.bin')}:${process.env['PATH'] ?? ''}`;
  return { ...process.env, PATH: path, NO_COLOR: '1', NODE_OPTIONS: '' };
}

export interface Ran {
  readonly code: number | null;
  /** What it printed, stdout first. */
  readonly lines: readonly string[];
}

export function runLine(folder: string, line: string): Ran {
  const options = { cwd: folder, env: environment(folder), encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], options);
  return { code: status, lines: `${stdout}\n${stderr}`.split('\n').map((text) => text.trimEnd()) };
}

/** A line that a page shows, as a pattern: times differ, so do the columns that hold them, and `...` is the rest of a line. */
function pattern(line: string): RegExp {
  const escaped = line.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  const timeless = escaped.replaceAll(/\d+(\\\.\d+)? (ms|s)\b/g, '[\\d.]+ (ms|s)');
  const unpadded = timeless.replaceAll(/ {2,}/g, ' +');
  return new RegExp(`^${unpadded.replace(/\\\.\\\.\\\.$/, '.*')}$`);
}

/** The first line of `shown` that does not come, in this order, in what was printed; null if all do. */
export function missingLine(shown: readonly string[], printed: readonly string[]): string | null {
  let from = 0;
  for (const line of shown) {
    if (line.trim() === '' || line === '...') continue;
    const wanted = pattern(line.trimEnd());
    const at = printed.findIndex((text, index) => index >= from && wanted.test(text));
    if (at < 0) return line;
    from = at + 1;
  }
  return null;
}

/** A line whose address ends in a port. */
export function withoutPort(line: string): string {
  return line.replace(/:\d+$/, '');
}

/** Starts a server on a free port, and ends it when it listens. Ports are left out of what it prints, as of what pages show. */
export function runServer(folder: string, line: string): Promise<Ran> {
  const args = line
    .replace(/^npx cipherconv /, '')
    .replace(/--port \d+/, '--port 0')
    .split(' ');
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env: environment(folder) });
  let printed = '';
  return new Promise((resolve, reject) => {
    const hear = (bytes: Buffer): void => {
      printed += bytes.toString();
      // Once: a second signal would end it before it has stopped in order.
      if (!child.killed && printed.includes('"event":"listening"')) child.kill('SIGTERM');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, lines: printed.split('\n').map(withoutPort) });
    });
  });
}
