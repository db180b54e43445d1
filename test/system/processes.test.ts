/**
 * Outside vectors through two processes, a client and a server, that share nothing but what travels: plan files and
 * messages. Reads DATA_DIR/vectors.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { run } from '../../src/run.ts';
import { encodePlan, storedPlan } from '../../src/frontend/planFile.ts';
import { parseVector } from '../../bench/vectorFile.ts';
import type { TestVector } from '../../bench/vectorFile.ts';
import type { Answer, ClientRequest, ServerRequest } from '../support/planProcess.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds vectors/*.json');
const folder = join(dataFolder, 'vectors');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const script = join(import.meta.dirname, '..', 'support', 'planProcess.ts');

let client: ChildProcess;
let server: ChildProcess;

function start(side: 'client' | 'server'): ChildProcess {
  return fork(script, [side], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

async function ask<K extends Answer['kind']>(
  side: ChildProcess,
  request: ClientRequest | ServerRequest,
  kind: K,
): Promise<Extract<Answer, { kind: K }>> {
  side.send(request);
  const [answer] = (await once(side, 'message')) as [Answer];
  if (answer.kind !== kind) throw new Error(answer.kind === 'failed' ? answer.message : answer.kind);
  return answer as Extract<Answer, { kind: K }>;
}

beforeAll(() => {
  client = start('client');
  server = start('server');
});

afterAll(() => {
  client.disconnect();
  server.disconnect();
});

/** Runs a vector through both processes; the sizes of what passes are those that the plan predicts. */
async function throughProcesses(plan: Plan, { input, expected }: TestVector): Promise<void> {
  const { clientPlanText } = await ask(
    server,
    { kind: 'plan', text: encodePlan(storedPlan(plan, 'NCHW')) },
    'ready',
  );
  await ask(client, { kind: 'plan', text: clientPlanText }, 'ready');
  const { upload, keys } = await ask(client, { kind: 'encrypt', input }, 'encrypted');
  const { response } = await ask(server, { kind: 'evaluate', upload, keys }, 'evaluated');
  const { output } = await ask(client, { kind: 'decrypt', response }, 'decrypted');
  expect([upload.length, response.length]).toEqual([plan.bytes.upload + 40, plan.bytes.response + 40]);
  expect(output).toEqual(expected);
}

it('finds all vectors', () => {
  expect(files).toHaveLength(47);
});

describe('client and server in two processes', () => {
  it.each(files)('%s: as in one process, and as its source says', async (file) => {
    const vector = parseVector(readFileSync(join(folder, file), 'utf8'), file);
    const plan = compileSpec(vector.spec);
    await throughProcesses(plan, vector);
    const { output } = await run(plan, vector.input);
    expect(output).toEqual(vector.expected);
  });

  it('also with rotations and their keys, where the diagonals lowering takes the vector', async () => {
    const small = files
      .map((file) => parseVector(readFileSync(join(folder, file), 'utf8'), file))
      .filter(({ input }) => input.data.length <= 200)
      .slice(0, 5);
    expect(small.length).toBeGreaterThan(0);
    for (const vector of small) {
      await throughProcesses(compileSpec(vector.spec, { lowering: 'diagonals' }), vector);
    }
  });
});
