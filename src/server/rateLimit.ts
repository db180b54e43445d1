/** A limit of requests per client address: a token bucket each, `rate` tokens a second, at most a second's worth. */

/** Addresses that are remembered; past it the longest silent one is forgotten. */
const MOST_ADDRESSES = 10_000;

interface Bucket {
  tokens: number;
  /** Seconds. */
  at: number;
}

export class RateLimit {
  readonly #rate: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param rate requests a second; 0: unlimited
   * @param now seconds, of any origin
   */
  constructor(rate: number, now: () => number = () => performance.now() / 1000) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes a request from `address`: 0 when it may pass, else the seconds until one may. */
  take(address: string): number {
    if (this.#rate === 0) return 0;
    const key = clientOf(address);
    const now = this.#now();
    const most = Math.max(1, this.#rate);
    const bucket = this.#buckets.get(key) ?? { tokens: most, at: now };
    bucket.tokens = Math.min(most, bucket.tokens + (now - bucket.at) * this.#rate);
    bucket.at = now;
    // Last in the map: the first one is the longest silent.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget();
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#rate;
    bucket.tokens -= 1;
    return 0;
  }

  #forget(): void {
    if (this.#buckets.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** Who counts as one client: an IPv4 address, or the /64 network of an IPv6 address, which one client has whole. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
