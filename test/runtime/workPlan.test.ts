import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { countUnits, planWork, unitAt } from '../../runtime/pool/workPlan.ts';
import { WorkQueue } from '../../runtime/pool/workQueue.ts';

const sizes = fc.record({
  groups: fc.integer({ min: 1, max: 40 }),
  planes: fc.integer({ min: 1, max: 9 }),
  pieces: fc.integer({ min: 1, max: 9 }),
});

describe('the units of an evaluation', () => {
  it('are every plane and piece once, each after what it needs', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2 ** 16, max: 2 ** 24 }), (demand, planesBytes) => {
        const work = planWork(demand, planesBytes);
        const units = Array.from({ length: countUnits(work) }, (_, number) => unitAt(work, number));
        const names = units.map(({ kind, group, index }) => `${kind} ${group} ${index}`);
        const expected = Array.from({ length: work.groups }, (_, group) => [
          ...Array.from({ length: work.planes }, (__, index) => `plane ${group} ${index}`),
          ...Array.from({ length: work.pieces }, (__, index) => `piece ${group} ${index}`),
        ]).flat();
        expect(names.toSorted()).toEqual(expected.toSorted());
        expect(work.sets * planesBytes).toBeLessThanOrEqual(Math.max(2 ** 23, planesBytes));
        units.forEach(({ kind, group, set, after, phaseEnd }, number) => {
          expect(after).toBeLessThanOrEqual(number);
          expect(phaseEnd).toBeGreaterThan(number);
          // All that is done when it begins: the planes of its group, or whatever read the planes that were there.
          const done = units.slice(0, after);
          const filled = done.filter((unit) => unit.kind === 'plane' && unit.group === group);
          expect(filled).toHaveLength(kind === 'piece' ? work.planes : 0);
          const readers = units.filter(
            (unit) => unit.kind === 'piece' && unit.set === set && unit.group < group,
          );
          if (kind === 'plane') expect(readers.every((unit) => done.includes(unit))).toBe(true);
        });
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('the queue of units', () => {
  it('gives nothing twice, opens once everything is there, and ends when it is cancelled', () => {
    const queue = new WorkQueue(WorkQueue.makeBuffer());
    queue.reset();
    expect([queue.take(), queue.take(), queue.take()]).toEqual([0, 1, 2]);
    queue.open();
    expect(queue.waitFor(0)).toBe(true);
    queue.finish(2);
    queue.finish(2);
    expect(queue.waitFor(2)).toBe(true);
    queue.cancel();
    expect(queue.waitFor(3)).toBe(false);
    queue.reset();
    expect(queue.take()).toBe(0);
    expect(queue.isCancelled).toBe(false);
  });
});
