import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convolve } from '../../../runtime/clear/loops.ts';
import { createPlanClient } from '../../../src/client/index.ts';
import { clientPlanOf, encodeClientPlan } from '../../../src/frontend/clientPlan.ts';
import { encodeTensorJson } from '../../../src/frontend/outputs.ts';
import { encodePlan, storedPlan } from '../../../src/frontend/planFile.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { randomInput } from '../../support/specs.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';
import { startProgram, startWorker } from './workers.ts';

let server: RedisServer;
const folder = mkdtempSync(join(tmpdir(), 'cipherconv-farm-'));
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that the Redis holds: names of keys, fields and values. */
async function dump(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const key of await server.look.keys('*')) {
    parts.push(Buffer.from(key));
    const type = await server.look.type(key);
    if (type === 'string') parts.push((await server.look.getBuffer(key)) ?? Buffer.alloc(0));
    // As a file of the database would hold it: small values stand in it as they are.
    parts.push(await server.look.dumpBuffer(key));
    if (type === 'hash') parts.push(Buffer.from(JSON.stringify(await server.look.hgetall(key))));
    if (type === 'stream') parts.push(Buffer.from(JSON.stringify(await server.look.xrange(key, '-', '+'))));
  }
  return Buffer.concat(parts);
}

it('a Redis in the middle of a batch holds no secret key, no picture, no result and no name of a file', async () => {
  const spec = simpleSpec();
  const stored = storedPlan(compileToeplitz(spec), 'NCHW');
  using client = await createPlanClient(clientPlanOf(stored));
  const key = client.exportSecretKey();
  writeFileSync(file('plan.json'), encodePlan(stored));
  writeFileSync(file('client.json'), encodeClientPlan(clientPlanOf(stored)));
  writeFileSync(file('key'), key, { mode: 0o600 });
  const inputs = [1, 2, 3].map((seed) => randomInput(spec, seed));
  inputs.forEach((input, index) => {
    writeFileSync(file(`patient-${index}.json`), encodeTensorJson(input));
  });
  const submitter = startProgram([
    ...['farm', 'submit', file('client.json'), '--redis', server.url, '--secret-key', file('key')],
    ...[
      '-i',
      ...inputs.map((_, index) => file(`patient-${index}.json`)),
      '-o',
      file('out'),
      '--format',
      'json',
    ],
  ]);
  await until(async () => (await server.look.keys('cipherconv:upload:*')).length === inputs.length);
  const waiting = await dump();
  const worker = await startWorker([file('plan.json'), '--redis', server.url, '--concurrency', '1']);
  expect(await submitter.ended).toBe(0);
  const after = await dump();
  await worker.end('SIGTERM');
  const uploads = readdirSync(file('out/.cipherconv-farm/uploads'));
  expect(uploads).toEqual([]);

  // The control: what must be in it is found.
  expect(waiting.includes(stored.digest)).toBe(true);
  expect(waiting.includes(Buffer.from('CCNV'))).toBe(true);
  const secrets = [
    // The header, then the coefficients of the key.
    ['mark of the key', Buffer.from(key.subarray(0, 5))],
    ['coefficients of the key', Buffer.from(key.subarray(40, 72))],
    ...inputs.flatMap((input, index) => [
      [`picture ${index} as bytes`, Buffer.from(Uint8Array.from(input.data.subarray(0, 24)))],
      [`picture ${index} as JSON`, Buffer.from(JSON.stringify([...input.data.subarray(0, 16)]).slice(1, -1))],
      [`result ${index}`, Buffer.from([...convolve(spec, input).data.subarray(30, 46)].join())],
    ]),
    ['names of files', Buffer.from('patient')],
  ] as const;
  for (const [what, bytes] of secrets) {
    for (const held of [waiting, after]) expect(held.includes(bytes), what as string).toBe(false);
  }
  inputs.forEach((input, index) => {
    const { data } = JSON.parse(readFileSync(file(`out/patient-${index}.json`), 'utf8')) as {
      data: number[];
    };
    expect(data).toEqual([...convolve(spec, input).data]);
  });
});
