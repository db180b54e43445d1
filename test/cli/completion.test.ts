import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();

/** What the program prints for these arguments: always the same, so it is started once. */
const printed = new Map<string, string>();
function print(...args: readonly string[]): string {
  const line = args.join(' ');
  const known = printed.get(line);
  if (known !== undefined) return known;
  const { code, stdout } = cipherconv(args);
  expect(code).toBe(0);
  printed.set(line, stdout);
  return stdout;
}

/** What bash offers for a command line whose last word is being typed. */
function offered(...words: string[]): string[] {
  writeFileSync(join(folder, 'completion.bash'), print('completion', 'bash'));
  const script = [
    'set -eu',
    'source ./completion.bash',
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length - 1}`,
    '_cipherconv',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const output = execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

describe('completion bash', () => {
  it('offers commands', () => {
    expect(offered('cipherconv', 'l')).toEqual(['lint']);
    expect(offered('cipherconv', 'co')).toEqual(['compile', 'completion']);
    expect(offered('cipherconv', '--q')).toEqual(['--quiet']);
  });

  it('offers the options of a command, and the values of an option', () => {
    expect(offered('cipherconv', 'lint', '--c')).toEqual(['--calibration', '--config', '--channels']);
    expect(offered('cipherconv', '--quiet', 'lint', '--format', '')).toEqual([
      'pretty',
      'json',
      'sarif',
      'github',
      'html',
    ]);
    expect(offered('cipherconv', 'run', 'x', '--objective', 'b')).toEqual(['bandwidth']);
    expect(offered('cipherconv', 'lint', '--max-warnings', '')).toEqual([]);
    expect(offered('cipherconv', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(offered('cipherconv', 'help', 'exp')).toEqual(['explain']);
  });

  it('offers files, also with spaces in their names', () => {
    mkdirSync(join(folder, 'filters'), { recursive: true });
    writeFileSync(join(folder, 'filters', 'my filter.conv.json'), '');
    expect(offered('cipherconv', 'lint', 'filters/m')).toEqual(['filters/my filter.conv.json']);
    expect(offered('cipherconv', 'run', '-i', 'fil')).toEqual(['filters']);
  });
});

describe.each(['zsh', 'fish'])('completion %s', (shell) => {
  it('names every command and every option that the help names', () => {
    const stdout = print('completion', shell);
    const [, help = ''] = print('--help').split('Commands:');
    const commands = [...help.matchAll(/^ {2}(\w+) [[<]/gm)].map(([, name]) => name ?? '');
    expect(commands).toEqual(expect.arrayContaining(['lint', 'compile', 'explain', 'run', 'completion']));
    for (const command of commands) {
      expect(stdout).toContain(command);
      if (command === 'help') continue;
      const options = print(command, '--help').matchAll(/^ +(?:-\w, )?--([\w-]+)/gm);
      for (const [, option] of options)
        expect(stdout).toContain(shell === 'fish' ? `-l ${option}` : `--${option}`);
    }
  });
});

it('refuses another shell', () => {
  expect(cipherconv(['completion', 'csh'])).toMatchObject({ code: 2, stdout: '' });
});
