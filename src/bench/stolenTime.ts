import { readFileSync } from 'node:fs';

/** Processor time of the whole machine so far, in ticks: what the hypervisor gave to others, and everything. */
export interface ProcessorTicks {
  readonly stolen: number;
  readonly total: number;
}

/** Fields of the first line of /proc/stat (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user. */
const STEAL = 7;

/** Null where the system does not tell. */
export function readTicks(): ProcessorTicks | null {
  let text: string;
  try {
    text = readFileSync('/proc/stat', 'utf8');
  } catch {
    return null;
  }
  return parseTicks(text);
}

export function parseTicks(text: string): ProcessorTicks | null {
  const [name, ...fields] = text.split('\n', 1)[0]!.trim().split(/ +/);
  const ticks = fields.slice(0, STEAL + 1).map(Number);
  if (name !== 'cpu' || ticks.length <= STEAL || ticks.some((value) => !Number.isSafeInteger(value)))
    return null;
  return { stolen: ticks[STEAL]!, total: ticks.reduce((sum, value) => sum + value, 0) };
}

/** Share of the time between two readings that went to others, 0 to 1; null where the system does not tell. */
export function stolenShare(before: ProcessorTicks | null, after: ProcessorTicks | null): number | null {
  if (before === null || after === null || after.total <= before.total) return null;
  return (after.stolen - before.stolen) / (after.total - before.total);
}

/** Something measured, and the share of the processors' time that others got meanwhile; 0 where the system does not tell. */
export interface Watched<T> {
  readonly value: T;
  readonly stolen: number;
}

export async function watched<T>(measure: () => T | Promise<T>): Promise<Watched<T>> {
  const before = readTicks();
  const value = await measure();
  return { value, stolen: stolenShare(before, readTicks()) ?? 0 };
}

/**
 * What is measured while a hypervisor gives a processor away is the neighbour: measurements with more than this share
 * stolen are worth repeating.
 */
const CALM_SHARE = 0.02;

export function countCalm(all: readonly Watched<unknown>[]): number {
  return all.filter(({ stolen }) => stolen <= CALM_SHARE).length;
}

/** The `count` with the least stolen time, or all when there are no more; of equals the later, which are warmer. */
export function calmest<T>(all: readonly Watched<T>[], count: number): T[] {
  const sorted = all.toReversed().toSorted((left, right) => left.stolen - right.stolen);
  return sorted.slice(0, count).map(({ value }) => value);
}
