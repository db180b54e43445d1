import { hintMessage } from '../../src/server/index.ts';
import type { Asking, Answer } from './send.ts';
import type { Random } from './random.ts';
import type { Subject } from './subjects.ts';

/**
 * Requests that carry no message: the list of models, client plans, hints and parts of hints, and layers that are not there,
 * with paths and headers that are somebody's nonsense. What may come back is said here a second time, without the server's code.
 */

/** The model that is attacked: its layers are plans that are attacked by themselves too. */
export const MODEL = 'ab'.repeat(32);
export const CLIENT_TEXT = '{"whatever":"a client plan is handed out as it is"}\n';

/** Where a plan is served: by itself, or as a layer. */
export type Place = 'plan' | 'layer';

export function pathOf(place: Place, { stored }: Subject, layers: readonly Subject[]): string {
  if (place === 'plan') return `/v1/plans/${stored.digest}`;
  return `/v1/models/${MODEL}/layers/${layers.findIndex((layer) => layer.stored === stored)}`;
}

/** Digests, mutated more often than not. */
function digestText(random: Random): string {
  const text = MODEL.split('');
  switch (random.below(6)) {
    case 0:
      text[random.below(text.length)] = random.pick('0123456789ABCDEFg%.'.split(''));
      return text.join('');
    case 1:
      return text.slice(0, random.below(64)).join('');
    case 2:
      return MODEL + random.pick(['0', '/', '%00', '%', '..', ';', '%2e%2e%2f', MODEL]);
    default:
      return MODEL;
  }
}

const INDICES = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '00',
  '-1',
  '1e0',
  '0x1',
  '1.0',
  ' 1',
  '%31',
  '999999',
  '9'.repeat(400),
];
const MORE_INDICES = [
  '',
  '.',
  '..',
  '%00',
  '%2e%2e',
  'NaN',
  '+1',
  '1/',
  '1%2f',
  'constructor',
  '__proto__',
  '\u0661',
];

/** The layer that has a hint, where a right one is wanted. */
const WITH_HINT = '3';

function indexText(random: Random): string {
  if (random.below(2) === 0) return WITH_HINT;
  return encodeURI(random.pick(random.below(2) === 0 ? INDICES : MORE_INDICES)).replaceAll('%25', '%');
}

function rangeText(random: Random): string {
  const number = (): string => String(random.pick([0, 1, 39, 40, 2 ** random.below(20), 2 ** 53, 1e21, -1]));
  return random.pick([
    `bytes=${number()}-${number()}`,
    `bytes=${number()}-`,
    `bytes=-${number()}`,
    `bytes=${number()}-${number()},${number()}-${number()}`,
    `bytes = ${number()} - ${number()}`,
    `items=${number()}-${number()}`,
    'bytes=',
    '-',
    'bytes=a-b',
    '9'.repeat(1000),
  ]);
}

/** One request, and what it is about. */
interface Reading {
  readonly asking: Omit<Asking, 'url'> & { readonly path: string };
  readonly about: { readonly digest: string; readonly index: string };
}

function reading(random: Random): Reading {
  const [digest, index] = [digestText(random), indexText(random)];
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
  const path = random.pick([
    '/v1/models',
    `/v1/models/${digest}`,
    `/v1/models/${digest}/hints/${index}`,
    `/v1/models/${digest}/hints/${index}`,
    `/v1/models/${digest}/layers/${index}/evaluate`,
    `/v1/models/${digest}/layers/${index}/evaluation-keys`,
    `/v1/models/${digest}/layers/${index}`,
  ]);
  const headers: Record<string, string> = {};
  if (random.below(2) === 0) headers['range'] = rangeText(random);
  if (random.below(4) === 0) headers['if-range'] = random.pick(['"x"', '*', 'W/"x"', '\t']);
  if (random.below(8) === 0) headers['if-none-match'] = random.pick(['*', '"x"', ',,,', '"'.repeat(500)]);
  if (random.below(2) === 0)
    headers['content-type'] = random.pick(['application/octet-stream', 'text/plain', ';']);
  const body = method === 'POST' || method === 'PUT' ? random.bytes(random.below(100)) : new Uint8Array(0);
  return { asking: { method, path, headers, body }, about: { digest, index } };
}

/** What is read of a served model, and the right answers. */
export class Readings {
  readonly #hints: readonly (Uint8Array | null)[];
  readonly #list: string;

  private constructor(hints: readonly (Uint8Array | null)[], list: string) {
    this.#hints = hints;
    this.#list = list;
  }

  static async of(layers: readonly Subject[]): Promise<Readings> {
    const hints: (Uint8Array | null)[] = [];
    for (const { stored } of layers) hints.push(stored.hint === null ? null : await hintMessage(stored));
    const model = { digest: MODEL, name: 'fuzz', layers: layers.length, clientPlan: true };
    return new Readings(hints, JSON.stringify({ models: [model] }));
  }

  /** Requests that got the list, a client plan, a hint or a part of one. */
  read = 0;

  /**
   * Sends one request.
   * @throws Error for an answer that is none of the right ones
   */
  async run(
    name: string,
    random: Random,
    send: (asking: Reading['asking']) => Promise<Answer>,
  ): Promise<number> {
    const { asking, about } = reading(random);
    const answer = await send(asking);
    const fault = this.#fault(asking, about, answer);
    if (fault !== null) throw new Error(`${name}, ${asking.method} ${asking.path}: ${fault}`);
    if (answer.status < 300) this.read++;
    return answer.status;
  }

  #fault(
    { method, path }: Reading['asking'],
    { digest, index }: Reading['about'],
    answer: Answer,
  ): string | null {
    const { status } = answer;
    if (status >= 400 && status < 500)
      return this.#mustAnswer(method, path, digest, index) ? `refused with ${status}` : null;
    if (method !== 'GET' && method !== 'HEAD') return `status ${status} to a method that it does not take`;
    const whole = this.#whole(path, digest, index);
    if (whole === null) return `status ${status} where nothing is`;
    const expected = method === 'HEAD' ? new Uint8Array(0) : bodyOf(whole, answer);
    if (expected === null) return `status ${status}`;
    return answer.body.equals(expected) ? null : 'another body';
  }

  /** What may not be refused: the list, and the client plan under its own digest. */
  #mustAnswer(method: string, path: string, digest: string, index: string): boolean {
    if (method !== 'GET') return false;
    return (
      path === '/v1/models' || (this.#whole(path, digest, index) !== null && path === `/v1/models/${MODEL}`)
    );
  }

  /** The whole body at a path; null where nothing is. */
  #whole(path: string, digest: string, index: string): Uint8Array | null {
    if (path === '/v1/models') return Buffer.from(this.#list);
    if (digest !== MODEL) return null;
    if (path === `/v1/models/${MODEL}`) return Buffer.from(CLIENT_TEXT);
    const decoded = index === '%31' ? '1' : index;
    return path.includes('/hints/') && /^[0-4]$/.test(decoded)
      ? (this.#hints[Number(decoded)] ?? null)
      : null;
  }
}

/** The body that belongs to a status; null for a status that is none of the right ones. */
function bodyOf(whole: Uint8Array, { status, headers }: Answer): Uint8Array | null {
  switch (status) {
    case 200:
      return whole;
    case 206:
      return partOf(whole, headers['content-range'] ?? '');
    case 304:
      return new Uint8Array(0);
    default:
      return null;
  }
}

/** The bytes that a Content-Range names; null where it names none. */
function partOf(whole: Uint8Array, contentRange: string): Uint8Array | null {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange) ?? [];
  if (Number(total) !== whole.length || Number(first) > Number(last) || Number(last) >= whole.length)
    return null;
  return whole.subarray(Number(first), Number(last) + 1);
}
