import { CipherconvError, internalError } from '../../../compiler/base/errors.ts';
import type { Part } from '../../../compiler/toeplitz/parts.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import type { StoredNetwork } from '../../network/networkPlan.ts';
import { createNetworkServer } from '../networkServer.ts';
import { isNetwork } from '../plans.ts';
import { createPartServer, createPlanServer } from '../planServer.ts';
import type { PartServer, PlanServer, PreparedPlanServer } from '../planServer.ts';
import { collectGarbage } from './memory.ts';
import type { Engine } from './workerLoop.ts';
import { deepFreeze } from '../../../compiler/base/freeze.ts';

/**
 * What prepared plans may take of a worker's memory together: weights, and what kernels have laid out. Smaller plans are
 * prepared first; a plan that finds no room is prepared when it is asked for, and goes when another such plan comes.
 */
const PREPARED_SHARE = 3 / 8;
/** What a plan that is prepared when it is asked for may take. */
const GUEST_SHARE = 1 / 4;
/** Parts of plans that stay prepared, and what the weights of all of them may take of a worker's memory. */
const MOST_PARTS = 16;
const PARTS_SHARE = 1 / 8;

const NEWLINE = 10;

/** The lines of a text, as parts of the same memory; every one ends with a line feed. */
function* linesOf(text: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf(NEWLINE, start);
    yield text.subarray(start, end);
    start = end + 1;
  }
}

/** The server has parsed and proved this plan; it comes to the worker as it wrote it. */
function readPlan(line: Uint8Array): StoredPlan | StoredNetwork {
  return deepFreeze(JSON.parse(new TextDecoder().decode(line)) as StoredPlan | StoredNetwork);
}

/** Parts are prepared when they are first asked for; those that were not used for longest are given up for others. */
class PreparedParts {
  readonly #weightMemoryBytes: number;
  readonly #prepared = new Map<string, PartServer>();

  constructor(weightMemoryBytes: number) {
    this.#weightMemoryBytes = weightMemoryBytes;
  }

  async of(digest: string, part: Part, read: () => StoredPlan | StoredNetwork): Promise<PartServer> {
    const name = `${digest} ${part.kind} ${part.first} ${part.count}`;
    const server = this.#prepared.get(name) ?? (await this.#prepare(read(), part));
    // A Map keeps the order in which entries came: the last used stands last.
    this.#prepared.delete(name);
    this.#prepared.set(name, server);
    return server;
  }

  async #prepare(stored: StoredPlan | StoredNetwork, part: Part): Promise<PartServer> {
    if (isNetwork(stored)) throw internalError('a network has no parts');
    const [oldest] = this.#prepared;
    if (oldest !== undefined && this.#prepared.size >= MOST_PARTS) {
      this.#prepared.delete(oldest[0]);
      oldest[1].dispose();
      collectGarbage();
    }
    return createPartServer(stored, part, { weightMemoryBytes: this.#weightMemoryBytes });
  }
}

/** Plans that are prepared for good, and those that are when they are asked for: of these the last one stays. */
class PreparedPlans {
  readonly #resident = new Map<string, PlanServer>();
  #freeBytes: number;
  readonly #guestBytes: number;
  #guest: PlanServer | null = null;

  constructor(memoryBytes: number) {
    this.#freeBytes = Math.floor(memoryBytes * PREPARED_SHARE);
    this.#guestBytes = Math.floor(memoryBytes * GUEST_SHARE);
  }

  /** @throws CipherconvError `usage` for a plan that would never fit. */
  async add(stored: StoredPlan | StoredNetwork): Promise<void> {
    if (isNetwork(stored)) {
      this.#resident.set(stored.digest, await createNetworkServer(stored));
      return;
    }
    // Once: with its weights where they fit, otherwise with as little as its kernel can.
    const free = this.#freeBytes;
    const server = await createPlanServer(stored, { weightMemoryBytes: free, preparedMemoryBytes: free });
    if (this.#keeps(server)) return;
    server.dispose();
    collectGarbage();
    const { preparedBytes } = server;
    if (preparedBytes > this.#guestBytes) throw tooLarge(stored, preparedBytes, this.#guestBytes);
  }

  /** Keeps a plan for which there is room. */
  #keeps(server: PreparedPlanServer): boolean {
    const { digest, preparedBytes } = server;
    if (preparedBytes > this.#freeBytes) return false;
    this.#freeBytes -= preparedBytes;
    this.#resident.set(digest, server);
    return true;
  }

  /** @param read gives the plan, when it has to be prepared */
  async of(digest: string, read: () => StoredPlan | StoredNetwork): Promise<PlanServer> {
    const resident = this.#resident.get(digest);
    if (resident !== undefined) return resident;
    if (this.#guest?.digest === digest) return this.#guest;
    this.#guest?.dispose();
    this.#guest = null;
    // What the last one took is needed now, not when the engine next looks for garbage.
    collectGarbage();
    const stored = read();
    if (isNetwork(stored)) throw internalError('a network that is not prepared');
    this.#guest = await createPlanServer(stored, { weightMemoryBytes: 0 });
    return this.#guest;
  }
}

function tooLarge({ plan, digest }: StoredPlan, bytes: number, mostBytes: number): CipherconvError {
  const mebibytes = (count: number): string => `${(count / 2 ** 20).toFixed(1)} MiB`;
  return new CipherconvError({
    code: 'usage',
    where: `${plan.spec.name} (${digest.slice(0, 16)}...)`,
    message: 'the plan does not fit into the memory of a worker',
    expected: `at most ${mebibytes(mostBytes)} for one plan, a quarter of the worker's memory`,
    found: mebibytes(bytes),
    hint: `give workers ${Math.ceil(bytes / GUEST_SHARE / 2 ** 20)} MiB with --memory`,
  });
}

/**
 * Evaluates in this process: by our own kernels, and by SEAL what needs it.
 * @param plans JSON, one a line
 * @throws CipherconvError `usage` for a plan that does not fit into the memory.
 */
export async function createEngine(plans: Uint8Array, memoryBytes: number): Promise<Engine> {
  const prepared = new PreparedPlans(memoryBytes);
  const lines = new Map<string, Uint8Array>();
  // A plan's text is about as long as what it takes is large.
  for (const line of [...linesOf(plans)].sort((one, other) => one.length - other.length)) {
    const stored = readPlan(line);
    lines.set(stored.digest, line);
    await prepared.add(stored);
  }
  const parts = new PreparedParts(Math.floor((memoryBytes * PARTS_SHARE) / MOST_PARTS));
  return {
    evaluate: async ({ digest, part }, message, keys) => {
      const line = lines.get(digest);
      if (line === undefined) throw internalError('a worker is asked for a plan that it has not');
      if (part !== null) return (await parts.of(digest, part, () => readPlan(line))).evaluate(message);
      const server = await prepared.of(digest, () => readPlan(line));
      return keys === null ? server.evaluate(message) : server.evaluate(message, keys);
    },
  };
}
