/**
 * `npm run fuzz -- [--count N] [--seed S]`: N hostile messages at the wire decoder and N / 10 at the evaluate endpoint of a
 * server. Everything follows from the seed. Ends with 1 at the first case that goes wrong, and says which.
 */
import { parseArgs } from 'node:util';
import { fuzzDecoder } from './fuzz/decoder.ts';
import { fuzzEndpoint } from './fuzz/endpoint.ts';
import { makeSubjects } from './fuzz/subjects.ts';

const LARGEST_BYTES = 512 * 2 ** 20;
const ENDPOINT_SHARE = 10;

const HELP = `npm run fuzz -- [--count N] [--seed S]

N (200000) hostile messages at the wire decoder, then N / 10 requests at a server: uploads, keys, hints and ranges of plans and of
the layers of models, client plans of models, paths that are nonsense. Everything follows from the seed S (1).
Ends with 1 at the first case that goes wrong, and says which.`;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new RangeError(`--${name}: expected a whole number, found ${text}`);
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
const seconds = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200000' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const count = wholeNumber('count', values.count);
  const seed = wholeNumber('seed', values.seed);
  console.log(`seed ${seed}`);
  const subjects = await makeSubjects(seed);

  let began = performance.now();
  const decoder = await fuzzDecoder(subjects, count, seed);
  console.log(
    `decoder: ${decoder.tried} messages, ${decoder.refused} refused, ${decoder.accepted} well-formed and let through; ` +
      `${seconds(began)}, ${mebibytes(process.memoryUsage.rss())}`,
  );

  began = performance.now();
  const endpoint = await fuzzEndpoint(subjects, Math.ceil(count / ENDPOINT_SHARE), seed);
  console.log(
    `endpoint: ${endpoint.tried} requests, statuses ${JSON.stringify(endpoint.statuses)}, ${endpoint.compared} results ` +
      `and ${endpoint.read} readings of a model compared, ${endpoint.sealExceptions} SEAL exceptions; ${seconds(began)}, ` +
      `server ${mebibytes(endpoint.serverBytes)}, all workers ${mebibytes(endpoint.workersBytes)}`,
  );
  if (endpoint.sealExceptions !== 0) throw new Error('a SEAL exception was reached');
  if (endpoint.serverBytes > LARGEST_BYTES) throw new Error('the server took more than 512 MiB');
  console.log('an honest request afterwards: right');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
