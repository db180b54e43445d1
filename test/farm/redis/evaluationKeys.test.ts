import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../../compiler/lowerings/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { openOffice } from './desk.ts';

const office = openOffice();

describe('evaluation keys of a batch', () => {
  it('evaluation keys travel once, and again when the Redis has lost them', async () => {
    const plan = compileSpec(simpleSpec(), { lowering: 'diagonals' });
    const here = await office.desk(plan, 4);
    const worker = await here.work();
    await office.server().look.config('SET', 'notify-keyspace-events', 'K$');
    const ear = office.server().look.duplicate();
    const written: string[] = [];
    ear.on('pmessage', (_, channel: string) => written.push(channel));
    await ear.psubscribe('__keyspace@0__:cipherconv:keys:*');
    const submitter = here.submit('--secret-key', here.file('key'), '--format', 'json', '--in-flight', '1');
    await until(async () => (await office.jobsDone(here.digest)) >= 1);
    const [keys] = await office.server().look.keys('cipherconv:keys:*');
    expect(await office.server().look.pttl(keys!)).toBeGreaterThan(0);
    expect(await submitter.ended, submitter.said()).toBe(0);
    here.check();
    expect(written).toEqual([`__keyspace@0__:${keys}`]);
    expect(await office.server().look.keys('cipherconv:keys:*')).toEqual([keys]);
    // Lost together with what workers remember of them.
    await worker.end('SIGTERM');
    rmSync(here.file('out'), { recursive: true });
    const second = here.submit('--secret-key', here.file('key'), '--format', 'json');
    await until(async () => (await office.server().look.keys('cipherconv:upload:*')).length === 4);
    await office.server().look.del(await office.server().look.keys('cipherconv:keys:*'));
    await here.work();
    expect(await second.ended, second.said()).toBe(0);
    here.check();
    // Other keys are made for another folder: there once, and once more after they were lost.
    expect(written.length).toBe(3);
    ear.disconnect();
  });
});
