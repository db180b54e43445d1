/** The client of `npm run bench:models`: `node networkClient.ts URL CLIENT-PLAN SIZE`. Prints figures as JSON. */
import { readFileSync } from 'node:fs';
import { connectModel } from '../src/client/index.ts';
import type { ModelStep } from '../src/client/index.ts';
import { parseClientModel } from '../src/model/clientModelFile.ts';
import { layersOf } from '../src/model/modelFlow.ts';

/** How often an inference is repeated. */
const TIMES = 3;

export interface ClientFigures {
  readonly rounds: number;
  readonly seconds: {
    /** Fetching the client plan and the hints, and what is made of them. */
    readonly connect: number;
    /** The first inference: the server prepares weights. */
    readonly cold: number;
    /** Later ones, keys made on the way; median. */
    readonly warm: number;
    /** One-time keys of all layers for one inference; median. */
    readonly offline: number;
    /** With keys prepared, from the input to the output; median. */
    readonly online: number;
  };
  /** Of one inference; hints once. */
  readonly bytes: { readonly upload: number; readonly response: number; readonly hints: number };
  /** Largest resident memory. */
  readonly clientPeakBytes: number;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

const [url = '', planFile = '', sizeText = ''] = process.argv.slice(2);
const { digest } = parseClientModel(readFileSync(planFile, 'utf8'), planFile);
const began = performance.now();
using remote = await connectModel(url, digest, { hintCache: null });
await remote.warm();
const connect = (performance.now() - began) / 1000;
const size = Number(sizeText);
const data = Float64Array.from({ length: 3 * size * size }, (_, index) => ((index * 37) % 256) / 64);
const input = { shape: [1, 3, size, size], data };
const bytes = { upload: 0, response: 0 };
const onStep = (step: ModelStep): void => {
  if (step.kind !== 'segment') bytes[step.kind === 'sent' ? 'upload' : 'response'] += step.bytes;
};
const outputs: string[] = [];
const infer = (): Promise<number> =>
  seconds(async () => {
    const { data: scores } = await remote.infer(input, { onStep });
    outputs.push(Array.from(scores).join());
  });
const cold = await infer();
const ofOne = { ...bytes };
const warm: number[] = [];
const offline: number[] = [];
const online: number[] = [];
for (let time = 0; time < TIMES; time++) warm.push(await infer());
for (let time = 0; time < TIMES; time++) {
  offline.push(await seconds(() => remote.prepare(1)));
  online.push(await infer());
}
if (new Set(outputs).size !== 1) throw new Error('the same input gave different outputs');
const figures: ClientFigures = {
  rounds: remote.model.rounds.length,
  seconds: { connect, cold, warm: median(warm), offline: median(offline), online: median(online) },
  bytes: {
    ...ofOne,
    hints: layersOf(remote.model).reduce((sum, { client }) => sum + (client.hint?.bytes ?? 0), 0),
  },
  clientPeakBytes: process.resourceUsage().maxRSS * 1024,
};
console.log(JSON.stringify(figures));
