import { Agent } from 'node:http';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';
import { startService } from '../../src/server/service.ts';
import type { Service } from '../../src/server/service.ts';
import type { Log } from '../../src/server/log.ts';
import { defaultSettings } from '../../src/server/settings.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { connect } from '../../src/client/index.ts';
import { mutate } from './mutate.ts';
import { isWellFormed } from './oracle.ts';
import type { Format } from './oracle.ts';
import { Random } from './random.ts';
import { sendRaw } from './rawHttp.ts';
import { CLIENT_TEXT, MODEL, pathOf, Readings } from './readings.ts';
import type { Place } from './readings.ts';
import { ask } from './send.ts';
import type { Answer, Asking } from './send.ts';
import type { Subject, Subjects } from './subjects.ts';

export interface EndpointReport {
  readonly tried: number;
  /** Responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** 200s, each compared with what the evaluator gives for the same bytes. */
  readonly compared: number;
  /** 200s and 206s of what is read of a model, each compared with what it must be. */
  readonly read: number;
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
/** One in so many cases reads what is said of a model, or tries to. */
const READINGS_EVERY = 5;
const WORKERS = 2;

/** A server under attack, and everything that judges it. */
class Attack {
  readonly #service: Service;
  readonly #subjects: readonly Subject[];
  readonly #rotating: Subject;
  readonly #references: ReadonlyMap<string, PlanServer>;
  /** Of the model, in order. */
  readonly #layers: readonly Subject[];
  readonly #readings: Readings;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  readonly statuses: Record<string, number> = {};
  compared = 0;

  constructor(
    service: Service,
    { small, several, whole, digits, hint, rotating }: Subjects,
    references: ReadonlyMap<string, PlanServer>,
    readings: Readings,
  ) {
    this.#service = service;
    this.#subjects = [small, several, whole, digits, hint];
    this.#rotating = rotating;
    this.#references = references;
    this.#layers = [...this.#subjects, rotating];
    this.#readings = readings;
  }

  close(): void {
    this.#agent.destroy();
  }

  async run(index: number, seed: number): Promise<void> {
    const random = new Random(seed, index);
    if (random.below(READINGS_EVERY) === 0) {
      const send = ({
        method,
        path,
        headers,
        body,
      }: Omit<Asking, 'url'> & { readonly path: string }): Promise<Answer> =>
        ask(this.#agent, { method, url: `${this.#service.url}${path}`, headers, body });
      this.#count(await this.#readings.run(`case ${index}`, random, send));
      return;
    }
    const place = random.pick(['plan', 'layer'] as const);
    if (random.below(KEYS_EVERY) === 0) return this.#runKeys(index, place, random);
    const subject = this.#subjects[random.below(this.#subjects.length)]!;
    const corpus =
      random.below(10) === 0 ? this.#subjects.flatMap(({ uploads }) => uploads) : subject.uploads;
    const { how, bytes } = mutate(corpus, random);
    const name = `case ${index}, ${place} (${how})`;
    const path = `${this.#pathOf(place, subject)}/evaluate`;
    if (random.below(10) === 0) await this.#lie(name, path, bytes, random);
    else this.#judge(name, subject, bytes, await this.#send('POST', path, bytes));
  }

  /** Keys are taken exactly when they are well-formed, and then an upload is evaluated with them. */
  async #runKeys(index: number, place: Place, random: Random): Promise<void> {
    const subject = this.#rotating;
    const keys = mutate([subject.keys], random);
    const name = `case ${index}, ${place}, keys (${keys.how})`;
    const path = this.#pathOf(place, subject);
    const { how, bytes } = mutate(subject.uploads, random);
    for (let attempt = 1; attempt <= KEYS_ATTEMPTS; attempt++) {
      const id = await this.#putKeys(name, path, keys.bytes);
      if (id === null) return;
      const answer = await this.#send('POST', `${path}/evaluate`, bytes, { [KEYS_HEADER]: id });
      if (answer.status === EXPIRED && attempt < KEYS_ATTEMPTS) continue;
      this.#judge(`${name}, upload (${how})`, subject, bytes, answer, keys.bytes);
      return;
    }
  }

  /** The id of keys that the server took; null where it rightly refused them. */
  async #putKeys(name: string, path: string, keys: Uint8Array): Promise<string | null> {
    const { keysFormat } = this.#rotating;
    const { status, body } = await this.#send('PUT', `${path}/evaluation-keys`, keys);
    this.#count(status);
    if (status !== 201) {
      requireRefusal(name, status, keys, keysFormat);
      return null;
    }
    if (!isWellFormed(keys, keysFormat)) throw new Error(`${name}: took malformed keys`);
    return (JSON.parse(body.toString()) as { id: string }).id;
  }

  /** A body whose announced length, or whose chunks, are not what comes. */
  async #lie(name: string, path: string, body: Uint8Array, random: Random): Promise<void> {
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
    const found = await sendRaw({ port: Number(port), path, framing, body });
    for (const status of found) {
      this.#count(status);
      if (status < 400 || status >= 500) throw new Error(`${name}, ${framing.join(', ')}: status ${status}`);
    }
  }

  #pathOf(place: Place, subject: Subject): string {
    return pathOf(place, subject, this.#layers);
  }

  #send(
    method: string,
    path: string,
    body: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return ask(this.#agent, {
      method,
      url: `${this.#service.url}${path}`,
      headers: { ...OCTETS, ...headers },
      body,
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
 * Mutants at the endpoints for uploads and for evaluation keys, of plans and of layers of a model, and nonsense at those that are
 * read, over real sockets: no 5xx, no hang, no worker lost, no SEAL exception; a 200 exactly for
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
    subjects.digits,
    subjects.hint,
    subjects.rotating,
  ];
  const stored = all.map((subject) => subject.stored);
  const log: Log = (_, event) => {
    if (event.event === 'worker-retired') lost.push(`${event.reason}: ${event.text}`);
  };
  const server = { name: 'fuzz', digest: MODEL, layers: stored, clientPlan: null };
  const service = await startService(stored, settings, log, [{ server, clientText: CLIENT_TEXT }]);
  const references = new Map<string, PlanServer>();
  for (const plan of stored) references.set(plan.digest, await createPlanServer(plan));
  const readings = await Readings.of(all);
  const attack = new Attack(service, subjects, references, readings);
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
    const { read } = readings;
    return { tried: count, statuses, compared, read, sealExceptions, serverBytes, workersBytes };
  } finally {
    attack.close();
    for (const reference of references.values()) reference.dispose();
    await service.stop();
  }
}
