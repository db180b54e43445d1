import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileToeplitz } from '../../support/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { openOffice } from './desk.ts';
import { startRedis } from './redisServer.ts';
import { startWorker } from './workers.ts';

const office = openOffice();

describe('a batch and its workers, when something is at its end', () => {
  it('a full Redis means waiting, and an end', async () => {
    const full = await startRedis({ options: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] });
    try {
      const spec = simpleSpec({ input: { channels: 1, height: 200, width: 200 } });
      const here = await office.desk(compileToeplitz(spec), 12);
      const worker = await startWorker([here.file('plan.json'), '--redis', full.url, '--concurrency', '1']);
      const submitter = here.submit(
        '--redis',
        full.url,
        '--secret-key',
        here.file('key'),
        '--format',
        'json',
      );
      expect(await submitter.ended, submitter.said()).toBe(0);
      expect(submitter.said()).toMatch(/is full: .* waiting/);
      here.check();
      await worker.end('SIGTERM');
    } finally {
      await full.stop();
    }
  });

  it('SIGTERM ends a worker whose Redis is gone, and SIGINT does', async () => {
    const gone = await startRedis();
    const here = await office.desk(compileToeplitz(simpleSpec()), 1);
    const workers = [
      await startWorker([here.file('plan.json'), '--redis', gone.url, '--concurrency', '1']),
      await startWorker([here.file('plan.json'), '--redis', gone.url, '--concurrency', '1']),
    ] as const;
    workers.forEach(office.started);
    await gone.stop();
    await until(() => workers.every((worker) => worker.said().includes('is away')));
    expect(await workers[0].end('SIGTERM')).toBe(0);
    expect(await workers[1].end('SIGINT')).toBe(130);
  });

  it('SIGTERM finishes what a worker has begun', async () => {
    const here = await office.desk(compileToeplitz(simpleSpec()), 30);
    const worker = await here.work('--lock', '60');
    const submitter = here.submit('--secret-key', here.file('key'), '--format', 'json');
    await until(async () => (await office.jobsDone(here.digest)) >= 3);
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(worker.said()).toMatch(/stopped: \d+ jobs done, 0 failures/);
    // With a lock of a minute the others would wait for that long for a job that was given up.
    expect(await office.server().look.llen(`cipherconv:queue:${here.digest}:active`)).toBe(0);
    await here.work();
    expect(await submitter.ended, submitter.said()).toBe(0);
    here.check();
    expect(statSync(here.file('out/.cipherconv-farm')).isDirectory()).toBe(true);
  });
});
