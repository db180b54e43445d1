import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { convolve } from '../../../runtime/clear/loops.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { randomInput } from '../../support/specs.ts';
import { openOffice } from './desk.ts';
import { startProgram } from './workers.ts';

const office = openOffice();

describe('farm submit', () => {
  it('says once that there is no worker, and goes on when there is one', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 3);
    const submitter = here.submit('--secret-key', here.file('key'), '--format', 'json');
    await until(() => submitter.said().includes('no worker takes jobs'));
    expect(submitter.said()).toContain(here.digest);
    await here.work();
    expect(await submitter.ended, submitter.said()).toBe(0);
    here.check();
    expect(submitter.said().match(/no worker/g)).toHaveLength(1);
    expect(JSON.parse(submitter.printed())).toMatchObject({ results: 3, failed: [] });
  });

  it('goes on after SIGKILL, again and again: nothing is computed twice, nothing is lost', async () => {
    const count = 60;
    const here = await office.desk(compileToeplitz(simpleSpec()), count);
    const key = ['--secret-key', here.file('key'), '--format', 'json', '--in-flight', '8'];
    const worker = await here.work();
    // Killed at once after its first uploads, then twice among its results.
    for (const results of [0, 10, 30]) {
      const submitter = here.submit(...key);
      await until(async () => (await office.jobsDone(here.digest)) > results && here.written() >= results);
      await submitter.end('SIGKILL');
    }
    const last = here.submit(...key);
    expect(await last.ended, last.said()).toBe(0);
    here.check();
    expect(JSON.parse(last.printed())).toMatchObject({ results: count, failed: [], refused: [] });
    expect(await office.jobsDone(here.digest)).toBe(count);
    await worker.end('SIGTERM');
    // Once more: nothing to do, and no worker is there to do it.
    const again = here.submit(...key);
    expect(await again.ended).toBe(0);
    expect(JSON.parse(again.printed())).toMatchObject({ results: count, before: count });
    expect(await office.bytesLeft()).toEqual([]);
  });

  it('an input or a key that changed is done again, and no other', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 3);
    const key = ['--secret-key', here.file('key'), '--format', 'json'];
    await here.work();
    expect(await here.submit(...key).ended).toBe(0);
    writeFileSync(here.file('in/1.json'), readFileSync(here.file('in/2.json')));
    const second = here.submit(...key);
    expect(await second.ended).toBe(0);
    expect(JSON.parse(second.printed())).toMatchObject({ results: 3, before: 2 });
    expect(readFileSync(here.file('out/1.json'))).toEqual(readFileSync(here.file('out/2.json')));
  });

  it('takes uploads, refuses what is none by name, and does the others', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 2);
    const encrypted = startProgram([
      ...['encrypt', '--plan', here.file('client.json'), '--secret-key', here.file('key')],
      ...['-i', here.file('in/0.json'), '-o', here.file('in/good.ct')],
    ]);
    expect(await encrypted.ended).toBe(0);
    writeFileSync(
      here.file('in/long.ct'),
      Buffer.concat([readFileSync(here.file('in/good.ct')), Buffer.alloc(1)]),
    );
    await here.work();
    const submitter = here.submit();
    expect(await submitter.ended).toBe(2);
    const report = JSON.parse(submitter.printed()) as { results: number; refused: { input: string }[] };
    expect(report.results).toBe(1);
    expect(report.refused.map(({ input }) => input).sort()).toEqual(
      ['in/0.json', 'in/1.json', 'in/long.ct'].map(here.file).sort(),
    );
    expect(readdirSync(here.file('out')).sort()).toEqual(['.cipherconv-farm', 'good.ct']);
    const decrypted = startProgram([
      ...['decrypt', '--plan', here.file('client.json'), '--secret-key', here.file('key')],
      ...['-i', here.file('out/good.ct'), '-o', here.file('y.json')],
    ]);
    expect(await decrypted.ended).toBe(0);
    const { data } = JSON.parse(readFileSync(here.file('y.json'), 'utf8')) as { data: number[] };
    expect(data).toEqual([...convolve(here.spec, randomInput(here.spec, 1)).data]);
  });

  it('the same upload several times is evaluated once, and every copy has its result', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 1);
    const encrypted = startProgram([
      ...['encrypt', '--plan', here.file('client.json'), '--secret-key', here.file('key')],
      ...['-i', here.file('in/0.json'), '-o', here.file('one.ct')],
    ]);
    expect(await encrypted.ended).toBe(0);
    rmSync(here.file('in/0.json'));
    const names = ['1.ct', '2.ct', '3.ct', '4.ct', '5.ct'];
    for (const name of names) copyFileSync(here.file('one.ct'), here.file(`in/${name}`));
    await here.work();
    const submitter = here.submit();
    expect(await submitter.ended, submitter.said()).toBe(0);
    const results = names.map((name) => readFileSync(here.file(`out/${name}`)));
    const [first] = results;
    expect(first?.length).toBeGreaterThan(1000);
    for (const result of results) expect(result).toEqual(first);
    expect(await office.jobsDone(here.digest)).toBe(1);
    expect(await office.bytesLeft()).toEqual([]);
    // A result that has lost its bytes is not done, whatever the journal says.
    writeFileSync(here.file('out/2.ct'), '');
    const again = here.submit();
    expect(await again.ended, again.said()).toBe(0);
    expect(JSON.parse(again.printed())).toMatchObject({ results: 5, before: 4 });
    expect(readFileSync(here.file('out/2.ct')).length).toBe(first?.length);
  });

  it('says what is wrong with the plan, or with who is asked', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 1);
    const { url } = office.server();
    const ended = async (args: readonly string[], says: RegExp): Promise<void> => {
      const program = office.started(startProgram([...args, '--redis', url]));
      expect(await program.ended).toBe(2);
      expect(program.said()).toMatch(says);
      expect(program.said()).toMatch(/try: /);
    };
    const format = (name: string): string => {
      writeFileSync(here.file(name), JSON.stringify({ format: name }));
      return here.file(name);
    };
    const batch = ['-i', here.file('in'), '-o', here.file('out')];
    for (const name of ['cipherconv-client-model', 'cipherconv-model-plan', 'cipherconv-server-model'])
      await ended(['farm', 'submit', format(name), ...batch], /not supported yet: batches of a whole model/);
    await ended(['farm', 'worker', format('cipherconv-client-model')], /client plan of a model/);
    await ended(['farm', 'worker', here.file('client.json')], /client plan/);
    expect(existsSync(here.file('out'))).toBe(false);
  });
});
