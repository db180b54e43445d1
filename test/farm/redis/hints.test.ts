import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../runtime/wire/message.ts';
import { planCore } from '../../../src/frontend/planFile.ts';
import { computeHint } from '../../../src/hint.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { openOffice } from './desk.ts';
import type { Desk } from './desk.ts';
import { startProgram, startWorker } from './workers.ts';

const office = openOffice();

async function hintDesk(count: number): Promise<Desk> {
  const { plan, hint } = await computeHint(
    planCore(compileToeplitz(simpleSpec(), { protocol: 'hint' }), 'NCHW'),
  );
  const here = office.keylessDesk(plan, count);
  writeFileSync(here.file('hint'), encodeMessage('hint', plan.digest, [hint]));
  return here;
}

/** What a batch has saved, by the name of the work. */
function saved(here: Desk): Map<string, Buffer> {
  const folder = here.file('out/.cipherconv-farm/uploads');
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

describe('a batch of pictures for a plan with a hint', () => {
  it('goes on after SIGKILL: every input has one upload and one key, nothing is computed twice, nothing is lost', async () => {
    const count = 60;
    const here = await hintDesk(count);
    const { look } = office.server();
    await look.config('SET', 'notify-keyspace-events', 'K$');
    const ear = look.duplicate();
    const uploads = new Set<string>();
    ear.on('pmessage', (_, channel: string) => uploads.add(channel));
    await ear.psubscribe('__keyspace@0__:cipherconv:upload:*');
    const options = ['--hint', here.file('hint'), '--format', 'json', '--in-flight', '8'];
    await here.work();
    const everSaved = new Map<string, Buffer>();
    // Killed at once after its first uploads, then twice among its results.
    for (const results of [0, 10, 30]) {
      const submitter = here.submit(...options);
      await until(async () => (await office.jobsDone(here.digest)) > results && here.written() >= results);
      await submitter.end('SIGKILL');
      for (const [work, bytes] of saved(here)) {
        // Only its owner reads it, and it never changes.
        expect(statSync(here.file(`out/.cipherconv-farm/uploads/${work}`)).mode & 0o777).toBe(0o600);
        expect(everSaved.get(work) ?? bytes).toEqual(bytes);
        everSaved.set(work, bytes);
      }
    }
    expect(everSaved.size).toBeGreaterThan(0);
    const last = here.submit(...options);
    expect(await last.ended, last.said()).toBe(0);
    here.check();
    expect(JSON.parse(last.printed())).toMatchObject({ results: count, failed: [], refused: [] });
    expect(await office.jobsDone(here.digest)).toBe(count);
    expect(uploads.size).toBe(count);
    // No key outlives its result.
    expect(saved(here).size).toBe(0);
    expect(await office.bytesLeft()).toEqual([]);
    ear.disconnect();
  });

  it('puts no key into the Redis, and goes on with uploads that nobody has evaluated', async () => {
    const here = await hintDesk(3);
    const options = ['--hint', here.file('hint'), '--format', 'json'];
    const first = here.submit(...options);
    await until(async () => (await office.bytesLeft()).length === 3);
    await first.end('SIGKILL');
    const files = [...saved(here).values()];
    expect(files).toHaveLength(3);
    for (const key of await office.bytesLeft()) {
      const upload = await office.server().look.getBuffer(key);
      const file = files.find((bytes) => bytes.subarray(0, upload!.length).equals(upload!));
      // The control: what is looked for is there, in the file.
      const secret = file!.subarray(upload!.length + 40, upload!.length + 72);
      expect(secret).toHaveLength(32);
      expect(file!.includes(secret)).toBe(true);
      expect(upload!.includes(secret)).toBe(false);
    }
    await here.work();
    const second = here.submit(...options);
    expect(await second.ended, second.said()).toBe(0);
    here.check();
    expect(await office.jobsDone(here.digest)).toBe(3);
    // An input that changed is another one: it gets a key of its own.
    writeFileSync(here.file('in/1.json'), readFileSync(here.file('in/2.json')));
    const third = here.submit(...options);
    expect(await third.ended, third.said()).toBe(0);
    expect(JSON.parse(third.printed())).toMatchObject({ results: 3, before: 2 });
    expect(readFileSync(here.file('out/1.json'))).toEqual(readFileSync(here.file('out/2.json')));
  });

  it('says which option the plan wants', async () => {
    const here = await hintDesk(1);
    const standard = await office.desk(compileToeplitz(simpleSpec()), 1);
    const wrong = here.file('wrong');
    const bytes = readFileSync(here.file('hint'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(wrong, bytes);
    for (const [program, says] of [
      [here.submit('--secret-key', standard.file('key')), /has a hint[^]*--hint FILE/],
      [here.submit('--hint', wrong), /not the hint[^]*get the hint again/],
      [here.submit('--hint', here.file('hint'), '--evaluation-keys', wrong), /--evaluation-keys/],
      [here.submit(), /with --hint FILE/],
      [standard.submit('--hint', here.file('hint')), /the plan has no hint/],
      [standard.submit(), /with --secret-key FILE/],
    ] as const) {
      expect(await program.ended).toBe(2);
      expect(program.said()).toMatch(says);
    }
    // Those above ran side by side, in one folder.
    rmSync(here.file('out'), { recursive: true, force: true });
    expect(await here.submit('--hint', wrong).ended).toBe(2);
    expect(existsSync(here.file('out'))).toBe(false);
    expect(await office.bytesLeft()).toEqual([]);
  });

  it('carries uploads that encrypt has made, whose keys are elsewhere', async () => {
    const here = await hintDesk(0);
    const { url } = office.server();
    const config = join(
      import.meta.dirname,
      '..',
      '..',
      '..',
      'examples',
      '1-gaussian',
      'gaussian.conv.json',
    );
    const run = async (...args: readonly string[]): Promise<void> => {
      const program = startProgram(args);
      expect(await program.ended, program.said()).toBe(0);
    };
    const [plan, client, hint] = ['hint.plan.json', 'hint.client.json', 'hint'].map(here.file);
    await run(
      'compile',
      config,
      '--protocol',
      'hint',
      '-o',
      plan!,
      '--client-plan',
      client!,
      '--hint',
      hint!,
    );
    const picture = join(import.meta.dirname, '..', '..', '..', 'examples', 'picture-28.png');
    const once = ['--one-time-key', here.file('once.key')];
    const fitted = ['-i', picture, '--grey', '--resize'];
    await run('encrypt', '--plan', client!, '--hint', hint!, ...once, ...fitted, '-o', here.file('up.ct'));
    office.started(await startWorker([plan!, '--redis', url, '--concurrency', '1']));
    const submit = ['farm', 'submit', client!, '--redis', url, '-o', here.file('responses')];
    await run(...submit, '-i', here.file('up.ct'));
    await run(
      'decrypt',
      '--plan',
      client!,
      ...once,
      '-i',
      here.file('responses/up.ct'),
      '-o',
      here.file('y.json'),
    );
    await run('run', config, ...fitted, '-o', here.file('right.json'));
    expect(readFileSync(here.file('y.json'))).toEqual(readFileSync(here.file('right.json')));
  });
});
