import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  countUnits,
  groupsAsNeeded,
  groupsInOrder,
  planWork,
  setOf,
  unitAt,
} from '../../runtime/pool/workPlan.ts';
import type { WorkPlan } from '../../runtime/pool/workPlan.ts';
import { WorkQueue } from '../../runtime/pool/workQueue.ts';
import { randomNumbers } from '../ring/numbers.ts';

const sizes = fc.record({
  groups: fc.integer({ min: 1, max: 40 }),
  planes: fc.integer({ min: 1, max: 9 }),
  pieces: fc.integer({ min: 1, max: 9 }),
});
const planesOf = fc.integer({ min: 2 ** 16, max: 2 ** 24 });
const workersOf = fc.integer({ min: 1, max: 6 });

/** What one worker is about to do, as `SharedEvaluator` does it. */
interface Hand {
  readonly groups: number[];
  unit: { readonly group: number; readonly number: number } | null;
}

/** Lets workers take turns at random; says in which order the units were done. @throws where nobody can go on */
function drive(work: WorkPlan, workers: number, seed: number): { group: number; number: number }[] {
  const draw = randomNumbers(seed);
  const next = new Array<number>(work.groups).fill(0);
  const done = new Array<number>(work.groups).fill(0);
  const units = countUnits(work);
  const order: { group: number; number: number }[] = [];
  const hands = Array.from({ length: workers }, (_, worker): Hand => {
    return { groups: groupsInOrder(work, worker, workers), unit: null };
  });
  const mayBegin = ({ group, number }: { group: number; number: number }): boolean => {
    const { kind, after } = unitAt(work, number);
    const isFree = kind === 'piece' || group < work.sets || done[group - work.sets] === units;
    return isFree && done[group]! >= after;
  };
  const step = (hand: Hand): boolean => {
    if (hand.unit !== null) {
      if (!mayBegin(hand.unit)) return false;
      done[hand.unit.group]!++;
      order.push(hand.unit);
      hand.unit = null;
      return true;
    }
    const [group] = hand.groups;
    if (group === undefined) return false;
    const number = next[group]!++;
    if (number < units) hand.unit = { group, number };
    else hand.groups.shift();
    return true;
  };
  const isBusy = (hand: Hand): boolean => hand.groups.length > 0 || hand.unit !== null;
  while (hands.some(isBusy)) {
    const first = draw() % workers;
    const moved = hands.some((_, index) => step(hands[(first + index) % workers]!));
    if (!moved) throw new Error('nobody can go on');
  }
  return order;
}

describe('the units of an evaluation', () => {
  it('are every plane and piece once, each after what it needs, whoever is faster', () => {
    fc.assert(
      fc.property(sizes, planesOf, workersOf, fc.nat(), (demand, planesBytes, workers, seed) => {
        const work = planWork(demand, planesBytes);
        expect(work.sets * planesBytes).toBeLessThanOrEqual(Math.max(2 ** 23, planesBytes));
        const order = drive(work, workers, seed);
        const names = order.map(({ group, number }) => `${group} ${number}`);
        expect(new Set(names).size).toBe(names.length);
        expect(names).toHaveLength(work.groups * (work.planes + work.pieces));
        // What stands in each plane of each set: a piece reads those of its own group, all of them.
        const filled = new Map<string, number>();
        for (const { group, number } of order) {
          const { kind, index } = unitAt(work, number);
          const set = setOf(work, group);
          if (kind === 'plane') filled.set(`${set} ${index}`, group);
          else
            for (let plane = 0; plane < work.planes; plane++)
              expect(filled.get(`${set} ${plane}`)).toBe(group);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it('are looked for by every worker in all block groups, wave by wave, from places of their own on', () => {
    const work = planWork({ groups: 6, planes: 1, pieces: 1 }, 2 ** 21);
    expect(work.sets).toBe(3);
    expect(groupsInOrder(work, 0, 2)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(groupsInOrder(work, 1, 2)).toEqual([1, 2, 0, 4, 5, 3]);
    const even = planWork({ groups: 4, planes: 1, pieces: 1 }, 2 ** 20);
    expect(groupsInOrder(even, 1, 2)).toEqual([2, 3, 0, 1]);
    // Uploads come in the order in which somebody wants them first.
    expect(groupsAsNeeded(even, 1)).toEqual([0, 1, 2, 3]);
    expect(groupsAsNeeded(even, 2)).toEqual([0, 2, 1, 3]);
    expect(groupsAsNeeded(work, 2)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('the queue of units', () => {
  it('gives nothing twice, opens group by group, and ends when it is cancelled', async () => {
    const queue = new WorkQueue(WorkQueue.makeBuffer(2));
    queue.reset();
    expect([queue.take(0), queue.take(1), queue.take(0)]).toEqual([0, 0, 1]);
    queue.open(1);
    expect(queue.waitUntilOpen(1)).toBe(true);
    expect(queue.waitFor(1, 0)).toBe(true);
    const ended = queue.untilAllDone(2);
    queue.finish(1, [2], 2);
    queue.finish(1, [2], 2);
    expect(queue.waitFor(1, 2)).toBe(true);
    expect(await ended).toBe(true);
    queue.cancel();
    expect(queue.waitFor(1, 9)).toBe(false);
    queue.reset();
    expect(queue.take(0)).toBe(0);
    expect(queue.isCancelled).toBe(false);
    queue.cancel();
    expect(queue.waitUntilOpen(0)).toBe(false);
  });

  it('whose last unit is missing does not end by being cancelled', async () => {
    const queue = new WorkQueue(WorkQueue.makeBuffer(1));
    queue.reset();
    queue.finish(0, [], 2);
    const ended = queue.untilAllDone(2);
    queue.cancel();
    expect(await ended).toBe(false);
    expect(await queue.untilAllDone(2)).toBe(false);
  });
});
