import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, ROOT, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const WATCH = join(folder, 'watch.mjs');
writeFileSync(
  WATCH,
  `import { registerHooks } from 'node:module';
const seen = [];
registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) });
process.on('exit', () => process._rawDebug('LOADED ' + JSON.stringify(seen)));`,
);

/** The files, relative to the project, that a command line loads. */
function loadedBy(args: readonly string[]): string[] {
  const { stderr, code } = cipherconv(args, { nodeOptions: ['--import', WATCH] });
  expect(code).toBe(0);
  const urls = JSON.parse(/^LOADED (.*)$/m.exec(stderr)?.[1] ?? '[]') as string[];
  return urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => new URL(url).pathname.slice(ROOT.length + 1));
}

/** What telling the commands apart takes: their declarations, commander, and the errors. */
const LIGHT =
  /^(src\/cli\/[a-zA-Z]+\.ts|src\/(version|init\/kernelNames|farm\/limits|frontend\/(files|kindOfBytes|lfsPointer|regularFiles|text))\.ts|runtime\/(longWork|exceptionReferences)\.ts|compiler\/(base\/(errors|printable)|bfv\/security)\.ts|node_modules\/(commander|@commander-js)\/.*)$/;

describe('a command is loaded when it is used', () => {
  it.each([
    [['--version']],
    [['--help']],
    [['run', '--help']],
    [['farm', 'submit', '--help']],
    [['help', 'serve']],
  ])('%j', (args) => {
    const files = loadedBy(args);
    expect(files).toContain('src/cli/main.ts');
    expect(files.filter((file) => !LIGHT.test(file))).toEqual([]);
  });

  it('one command does not load another', () => {
    const files = loadedBy(['lint', 'examples/1-gaussian']);
    expect(files).toContain('src/cli/actions/lint.ts');
    expect(files.filter((file) => file.startsWith('src/cli/actions/'))).toHaveLength(1);
    expect(files.filter((file) => /^src\/(server|client|bench)\/|node-seal/.test(file))).toEqual([]);
  });
});

describe('help', () => {
  const names = [
    'lint',
    'compile',
    'explain',
    'run',
    'keygen',
    'encrypt',
    'evaluate',
    'decrypt',
    'serve',
    'fit',
    'schema',
    'init',
    'quantize',
  ];

  it.each(names)('of %s ends with examples that name it', (name) => {
    const { stdout } = cipherconv([name, '--help']);
    const [, examples = ''] = stdout.split('\nExamples:\n');
    expect(examples).toMatch(new RegExp(`^ {2}# .+\n {2}\\$ cipherconv ${name}`));
  });

  it('marks what has to be given, and nothing else', () => {
    const { stdout } = cipherconv(['encrypt', '--help']);
    const marked = stdout.split('\n').filter((line) => line.includes(' required: '));
    expect(marked.map((line) => /--[a-z-]+/.exec(line)?.[0])).toEqual(['--plan', '--input', '--output']);
  });

  it('names every kind of file that is taken', () => {
    for (const [name, option] of [
      ['run', '--input'],
      ['run', '--output'],
      ['encrypt', '--input'],
      ['decrypt', '--output'],
      ['lint', '--calibration'],
    ] as const) {
      const text = cipherconv([name, '--help']).stdout.replaceAll(/\s+/g, ' ');
      const described = text
        .slice(text.indexOf(`${option} <`))
        .split(/ -\w,| --/, 2)
        .join(' --');
      for (const kind of ['.npy', '.json', '.pb', '.png'])
        expect(described, `${name} ${option}`).toContain(kind);
    }
  });
});

describe('a misspelt option is named before a missing one', () => {
  it.each([
    [['run', 'x.conv.json', '--inptu', 'x'], "error: unknown option '--inptu'\n(Did you mean --input?)\n"],
    [
      ['decrypt', '--secret-kye', 'x'],
      "error: unknown option '--secret-kye'\n(Did you mean --secret-key?)\n",
    ],
    [['run', 'x.conv.json'], "error: required option '-i, --input <file>' not specified\n"],
  ])('%j', (args, stderr) => {
    expect(cipherconv(args)).toEqual({ code: 2, stdout: '', stderr });
  });
});
