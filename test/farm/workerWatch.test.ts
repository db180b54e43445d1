import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerWatch } from '../../src/farm/workerWatch.ts';

const LONG_MS = 60_000;

interface Scene {
  readonly told: string[];
  readonly watch: WorkerWatch;
  /** As it is now. */
  size: number;
  workers: number;
  isAway: boolean;
}

let here: Scene;

beforeEach(() => {
  vi.useFakeTimers();
  const told: string[] = [];
  const state = { size: 3, workers: 0, isAway: false };
  const watched = {
    get size() {
      return state.size;
    },
    workers: () => Promise.resolve(state.workers),
  };
  const watch = new WorkerWatch(
    watched,
    () => state.isAway,
    (sentence) => told.push(sentence),
    'nobody works',
  );
  here = Object.assign(state, { told, watch });
});
afterEach(() => {
  here.watch.stop();
  vi.useRealTimers();
});

function pass(milliseconds: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(milliseconds);
}

describe('what a submitter says of workers', () => {
  it('is nothing at first, then one sentence when there are none', async () => {
    await pass(2000);
    expect(here.told).toEqual([]);
    await pass(LONG_MS);
    expect(here.told).toEqual(['nobody works']);
  });

  it('is the same sentence again after results, and not before', async () => {
    await pass(LONG_MS);
    here.watch.progress();
    await pass(2000);
    expect(here.told).toHaveLength(1);
    await pass(LONG_MS);
    expect(here.told).toHaveLength(2);
  });

  it.each([
    ['there is a worker, however slow', { workers: 1 }],
    ['nothing is under way', { size: 0 }],
    ['the Redis is away', { isAway: true }],
  ])('is nothing while %s', async (_, change) => {
    Object.assign(here, change);
    await pass(LONG_MS);
    expect(here.told).toEqual([]);
  });

  it('is nothing while results come', async () => {
    for (let passed = 0; passed < LONG_MS; passed += 1000) {
      here.watch.progress();
      await pass(1000);
    }
    expect(here.told).toEqual([]);
  });

  it('is nothing after the end, also when workers are being counted', async () => {
    let answer: (workers: number) => void = () => undefined;
    const told: string[] = [];
    const counting = {
      size: 1,
      workers: () =>
        new Promise<number>((resolve) => {
          answer = resolve;
        }),
    };
    const watch = new WorkerWatch(
      counting,
      () => false,
      (sentence) => told.push(sentence),
      'nobody works',
    );
    await pass(LONG_MS);
    watch.stop();
    answer(0);
    await pass(LONG_MS);
    expect(told).toEqual([]);
  });
});
