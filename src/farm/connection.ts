import { CipherconvError } from '../../compiler/base/errors.ts';
import { ByteConnection } from './byteConnection.ts';
import { connectFailure, isFinalRefusal, isFull } from './redisErrors.ts';
import type { FarmPackages, RedisClient } from './packages.ts';
import type { RedisAddress } from './redisUrl.ts';

/** What happens to a connection, for people. */
export type FarmNotice = (sentence: string) => void;

export interface ConnectionSettings {
  /** How long a Redis that was there may be away, milliseconds. */
  readonly patienceMs: number;
  readonly notice: FarmNotice;
}

/** For the first connection, everything included, milliseconds. */
const CONNECT_MS = 10_000;
/** Pauses between two attempts to get a lost connection back, milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** Pauses while a Redis is full, milliseconds. */
const FULL_PAUSE_MS = 500;
const REFUSED_HINT =
  'give the password and rights of today, with --redis or REDIS_URL, and run the same command again: what is done is not done twice';
/** What BullMQ's scripts ask for, and what it is tested with. */
const LEAST_VERSION = [6, 2] as const;

/**
 * A connection that outlives restarts of the Redis: what is asked meanwhile waits, up to the patience. Everything else is
 * refused once, in words, without a password.
 */
export class FarmConnection {
  readonly redis: RedisClient;
  /** For bytes: uploads, results, keys. */
  readonly bytes: ByteConnection;
  readonly shown: string;
  readonly #notice: FarmNotice;
  readonly #patienceMs: number;
  readonly #database: number;
  readonly #backListeners = new Set<() => void>();
  readonly #refusal = new AbortController();
  #phase: 'opening' | 'open' | 'given-up' | 'refused' | 'closed' = 'opening';
  #awaySince: number | null = null;
  #isFullTold = false;

  private constructor(packages: FarmPackages, address: RedisAddress, settings: ConnectionSettings) {
    this.shown = address.shown;
    this.#notice = settings.notice;
    this.#patienceMs = settings.patienceMs;
    this.#database = address.options.db;
    this.redis = new packages.Redis({
      ...address.options,
      lazyConnect: true,
      connectTimeout: CONNECT_MS / 2,
      // Commands wait for the connection to come back; the patience ends them.
      maxRetriesPerRequest: null,
      retryStrategy: (times) => this.#pauseBefore(times),
    });
    this.bytes = new ByteConnection(
      address.options,
      (times) => this.#pauseBefore(times),
      (error) => {
        this.heard(error);
      },
    );
  }

  /** @throws CipherconvError `server` when there is no Redis, it does not let us in, or it is too old. */
  static async open(
    packages: FarmPackages,
    address: RedisAddress,
    settings: ConnectionSettings,
  ): Promise<FarmConnection> {
    const connection = new FarmConnection(packages, address, settings);
    await connection.#connect();
    return connection;
  }

  /** Whether the Redis is waited for. Once it was given up, whoever asks is told so. */
  get isAway(): boolean {
    return this.#phase === 'open' && this.#awaySince !== null;
  }

  /**
   * Aborts, with a refusal in words as its reason, when a Redis that was there lets us in no more, as after a change of its
   * password. Nothing waits for that to pass: some connections may still work, and others never would again.
   */
  get refused(): AbortSignal {
    return this.#refusal.signal;
  }

  /** Told of errors of all connections, those that BullMQ makes included. */
  heard(error: unknown): void {
    if (this.#phase !== 'open' || !(error instanceof Error) || !isFinalRefusal(error)) return;
    this.#phase = 'refused';
    this.#refusal.abort(connectFailure(this.shown, error, REFUSED_HINT));
  }

  async #connect(): Promise<void> {
    let last = null as Error | null;
    this.redis.on('error', (error) => {
      last = error;
      this.heard(error);
    });
    const timer = setTimeout(() => {
      last ??= new Error(`no answer in ${CONNECT_MS / 1000} s`);
      this.redis.disconnect();
    }, CONNECT_MS);
    try {
      await this.redis.connect();
      // ioredis has done it, but would stay in database 0, silently, where there is no other.
      if (this.#database !== 0) await this.redis.select(this.#database);
      requireVersion(await this.redis.info('server'), this.shown);
    } catch (error) {
      this.close();
      throw error instanceof CipherconvError ? error : connectFailure(this.shown, last ?? error);
    } finally {
      clearTimeout(timer);
    }
    this.#phase = 'open';
    this.redis.on('ready', () => {
      this.#back();
    });
  }

  /** Every connection of the farm asks here: of this object, and those that BullMQ makes like it. */
  #pauseBefore(times: number): number | null {
    if (this.#phase !== 'open') return null;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS);
    // One of the others was cut, which need not be told: the Redis is there.
    if (this.redis.status === 'ready') return pause;
    if (this.#awaySince === null) {
      this.#awaySince = performance.now();
      this.#notice(`${this.shown} is away: waiting for it`);
    }
    if (performance.now() - this.#awaySince > this.#patienceMs) {
      this.#phase = 'given-up';
      return null;
    }
    return pause;
  }

  #back(): void {
    if (this.#awaySince === null) return;
    this.#awaySince = null;
    this.#notice(`${this.shown} is back`);
    for (const listener of this.#backListeners) listener();
  }

  /** Has a listener told whenever the Redis is back; what this gives ends that. */
  whenBack(listener: () => void): () => void {
    this.#backListeners.add(listener);
    return () => this.#backListeners.delete(listener);
  }

  /**
   * Does something that needs the Redis.
   * @throws CipherconvError `server` when it stays away, or refuses what it is asked.
   */
  async ask<T>(work: (redis: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await work(this.redis);
    } catch (error) {
      throw error instanceof CipherconvError ? error : this.failure(error);
    }
  }

  /**
   * The same for what takes memory of the Redis: while it has none, waits and tries again.
   * @param whenFull done before each further attempt
   */
  async store<T>(
    work: (redis: RedisClient) => Promise<T>,
    whenFull: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<T> {
    for (;;) {
      try {
        const result = await work(this.redis);
        this.#isFullTold = false;
        return result;
      } catch (error) {
        if (!isFull(error)) throw error instanceof CipherconvError ? error : this.failure(error);
      }
      this.tellFull('it takes no more bytes (maxmemory)');
      await this.ask(whenFull);
      await new Promise((resolve) => setTimeout(resolve, FULL_PAUSE_MS));
    }
  }

  /** Says once that there is no room, until there was room again. */
  tellFull(why: string): void {
    if (this.#isFullTold) return;
    this.#isFullTold = true;
    this.#notice(`${this.shown} is full: ${why}; waiting until results have been fetched`);
  }

  tellRoom(): void {
    this.#isFullTold = false;
  }

  /** What went wrong, as a refusal. */
  failure(error: unknown): CipherconvError {
    this.heard(error);
    if (this.#phase === 'refused') return this.refused.reason as CipherconvError;
    if (this.#phase === 'given-up') {
      return new CipherconvError(
        {
          code: 'server',
          where: this.shown,
          message: `the Redis has been away for more than ${Math.round(this.#patienceMs / 1000)} s`,
          hint: 'start it again, then run the same command again: what is done is not done twice',
        },
        { cause: error },
      );
    }
    return connectFailure(this.shown, error);
  }

  /** Ends the connection at once. */
  close(): void {
    this.#phase = 'closed';
    this.bytes.close();
    this.redis.disconnect();
  }
}

function requireVersion(info: string, where: string): void {
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  const [leastMajor, leastMinor] = LEAST_VERSION;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new CipherconvError({
    code: 'server',
    where,
    message: 'the Redis is too old for a farm',
    expected: `version ${leastMajor}.${leastMinor} or newer`,
    found: version === null ? 'no version' : `${major}.${minor}`,
  });
}
