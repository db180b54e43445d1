import { Agent, request } from 'node:http';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { connect } from '../../src/client/index.ts';
import { mutate } from './mutate.ts';
import { isWellFormed } from './oracle.ts';
import type { Format } from './oracle.ts';
import { Random } from './random.ts';
import { sendRaw } from './rawHttp.ts';
import type { Subject, Subjects } from './subjects.ts';

export interface EndpointReport {
  readonly tried: number;
  /** Responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** 200s, each compared with what the evaluator gives for the same bytes. */
  readonly compared: number;
  readonly sealExceptions: number;
  /** Largest resident memory seen: of this process with the server in it, and of all workers together, bytes. */
  readonly serverBytes: number;
  readonly workersBytes: number;
}

const OCTETS = { 'content-type': 'application/octet-stream' };
const KEYS_HEADER = 'cipherconv-evaluation-keys';
/** One in so many cases begins with evaluation keys, which are long, and so is what they are used for. */
const KEYS_EVERY = 20;
const KEYS_IDLE_MS = 1000;
/** On a busy machine keys may expire before they are used: then they are sent again, so often at most. */
const KEYS_ATTEMPTS = 20;
const EXPIRED = 404;
const KEYS_BYTES = 2 ** 27;
/** Requests under way at the same time. */
const CONCURRENCY = 8;
const HANG_MS = 20_000;
const WORKERS = 2;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** A server under attack, and everything that judges it. */
class Attack {
  readonly #service: Service;
  readonly #subjects: readonly Subject[];
  readonly #rotating: Subject;
  readonly #references: ReadonlyMap<string, PlanServer>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  readonly statuses: Record<string, number> = {};
  compared = 0;

  constructor(
    service: Service,
    { small, several, whole, hint, rotating }: Subjects,
    references: ReadonlyMap<string, PlanServer>,
  ) {
    this.#service = service;
    this.#subjects = [small, several, whole, hint];
    this.#rotating = rotating;
    this.#references = references;
  }

  close(): void {
    this.#agent.destroy();
  }

  async run(index: number, seed: number): Promise<void> {
    const random = new Random(seed, index);
    if (random.below(KEYS_EVERY) === 0) return this.#runKeys(index, random);
    const subject = this.#subjects[random.below(this.#subjects.length)]!;
    const corpus =
      random.below(10) === 0 ? this.#subjects.flatMap(({ uploads }) => uploads) : subject.uploads;
    const { how, bytes } = mutate(corpus, random);
    const name = `case ${index} (${how})`;
    if (random.below(10) === 0) await this.#lie(name, subject, bytes, random);
    else this.#judge(name, subject, bytes, await this.#post(subject, bytes));
  }

  /** Keys are taken exactly when they are well-formed, and then an upload is evaluated with them. */
  async #runKeys(index: number, random: Random): Promise<void> {
    const subject = this.#rotating;
    const keys = mutate([subject.keys], random);
    const name = `case ${index}, keys (${keys.how})`;
    const { how, bytes } = mutate(subject.uploads, random);
    for (let attempt = 1; attempt <= KEYS_ATTEMPTS; attempt++) {
      const id = await this.#putKeys(name, keys.bytes);
      if (id === null) return;
      const answer = await this.#post(subject, bytes, { [KEYS_HEADER]: id });
      if (answer.status === EXPIRED && attempt < KEYS_ATTEMPTS) continue;
      this.#judge(`${name}, upload (${how})`, subject, bytes, answer, keys.bytes);
      return;
    }
  }

  /** The id of keys that the server took; null where it rightly refused them. */
  async #putKeys(name: string, keys: Uint8Array): Promise<string | null> {
    const { stored, keysFormat } = this.#rotating;
    const { status, body } = await this.#send('PUT', `/v1/plans/${stored.digest}/evaluation-keys`, keys);
    this.#count(status);
    if (status !== 201) {
      requireRefusal(name, status, keys, keysFormat);
      return null;
    }
    if (!isWellFormed(keys, keysFormat)) throw new Error(`${name}: took malformed keys`);
    return (JSON.parse(body.toString()) as { id: string }).id;
  }

  /** A body whose announced length, or whose chunks, are not what comes. */
  async #lie(name: string, { stored }: Subject, body: Uint8Array, random: Random): Promise<void> {
    const length = random.pick([0, 1, body.length - 1, body.length + 1, 2 ** 31, 2 ** 53, -1]);
    const framing = random.pick([
      [`Content-Length: ${length}`],
      [`Content-Length: ${body.length}`, `Content-Length: ${length}`],
      ['Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', `Content-Length: ${body.length}`],
      [`Content-Length: ${body.length}`, `Content-Encoding: ${random.pick(['gzip', 'deflate', 'zstd'])}`],
      [],
    ]);
    const { port } = new URL(this.#service.url);
    const path = `/v1/plans/${stored.digest}/evaluate`;
    const found = await sendRaw({ port: Number(port), path, framing, body });
    for (const status of found) {
      this.#count(status);
      if (status < 400 || status >= 500) throw new Error(`${name}, ${framing.join(', ')}: status ${status}`);
    }
  }

  #post({ stored }: Subject, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('POST', `/v1/plans/${stored.digest}/evaluate`, body, headers);
  }

  #send(
    method: string,
    path: string,
    body: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = {
        method,
        agent: this.#agent,
        headers: { ...OCTETS, ...headers, 'content-length': body.length },
      };
      const outgoing = request(`${this.#service.url}${path}`, options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
        incoming.on('error', reject);
      });
      outgoing.setTimeout(HANG_MS, () => outgoing.destroy(new Error('no answer: the server hangs')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  #count(status: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }

  #judge(
    name: string,
    { stored, uploadFormat }: Subject,
    bytes: Uint8Array,
    { status, body }: Answer,
    keys?: Uint8Array,
  ): void {
    this.#count(status);
    if (status !== 200) {
      requireRefusal(name, status, bytes, uploadFormat);
      return;
    }
    const expected = this.#references.get(stored.digest)?.evaluate(bytes, keys);
    if (expected === undefined || !body.equals(expected)) throw new Error(`${name}: a wrong 200`);
    this.compared++;
  }
}

/** A refusal is one of ours, and of what is not well-formed. */
function requireRefusal(name: string, status: number, bytes: Uint8Array, format: Format): void {
  if (status !== 400 && status !== 413) throw new Error(`${name}: status ${status}`);
  if (isWellFormed(bytes, format)) throw new Error(`${name}: refused a well-formed message`);
}

async function metric({ url }: Service, series: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`cipherconv_${series} `));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

/** An honest client gets the convolution, whatever came before. */
async function requireRight(service: Service, { stored }: Subject): Promise<void> {
  const remote = await connect(service.url, stored.digest);
  try {
    const { batch, channels, height, width } = stored.plan.spec.input;
    const data = Float64Array.from({ length: batch * channels * height * width }, (_, index) => index % 4);
    const input = { shape: [batch, channels, height, width], data };
    const expected = convolve(stored.plan.spec, input);
    const output = await remote.infer(input);
    if (!output.data.every((value, index) => value === expected.data[index])) {
      throw new Error('an honest request after the attack gave a wrong result');
    }
  } finally {
    remote.dispose();
  }
}

/**
 * Mutants at the endpoints for uploads and for evaluation keys, over real sockets: no 5xx, no hang, no worker lost, no SEAL exception; a 200 exactly for
 * what is well-formed, and with the bytes that the evaluator gives. Afterwards an honest request is right.
 * @throws Error for the first case that goes otherwise; it names the case.
 */
export async function fuzzEndpoint(
  subjects: Subjects,
  count: number,
  seed: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<EndpointReport> {
  const lost: string[] = [];
  const settings = {
    ...defaultSettings(),
    port: 0,
    workers: WORKERS,
    keysMemoryBytes: KEYS_BYTES,
    keysIdleMs: KEYS_IDLE_MS,
  };
  const all: readonly Subject[] = [
    subjects.small,
    subjects.several,
    subjects.whole,
    subjects.hint,
    subjects.rotating,
  ];
  const stored = all.map((subject) => subject.stored);
  const service = await startService(stored, settings, (_, event) => {
    if (event.event === 'worker-retired') lost.push(`${event.reason}: ${event.text}`);
  });
  const references = new Map<string, PlanServer>();
  for (const plan of stored) references.set(plan.digest, await createPlanServer(plan));
  const attack = new Attack(service, subjects, references);
  let next = 0;
  let serverBytes = 0;
  let workersBytes = 0;
  const attacker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      await attack.run(index, seed);
      if (lost.length > 0) throw new Error(`case ${index} or just before: a worker was lost, ${lost[0]}`);
      if (index % 500 !== 0) continue;
      serverBytes = Math.max(serverBytes, process.memoryUsage.rss());
      workersBytes = Math.max(workersBytes, service.pool.residentBytes());
      onProgress(index);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, attacker));
    for (const subject of all) await requireRight(service, subject);
    const sealExceptions = await metric(service, 'seal_exceptions_total');
    const { statuses, compared } = attack;
    return { tried: count, statuses, compared, sealExceptions, serverBytes, workersBytes };
  } finally {
    attack.close();
    for (const reference of references.values()) reference.dispose();
    await service.stop();
  }
}
