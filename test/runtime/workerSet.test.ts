import { expect, it } from 'vitest';
import { WorkerSet } from '../../runtime/pool/workerSet.ts';

const [first, second, other] = [{ name: 'first' }, { name: 'second' }, { name: 'other' }];

it('keeps places apart: who leaves makes one vacant, who comes takes it', () => {
  const set = new WorkerSet<{ name: string }>(3);
  expect(set.vacantPlaces).toEqual([0, 1, 2]);
  set.put(2, second);
  set.put(0, first);
  expect(set.present).toEqual([first, second]);
  expect(set.remove(first)).toBe(0);
  expect(set.vacantPlaces).toEqual([0, 1]);
  // Who has left already leaves nothing: the place may be another's by now.
  set.put(0, other);
  expect(set.remove(first)).toBeNull();
  expect(set.present).toEqual([other, second]);
  expect(set.size).toBe(3);
});

it('gives no place twice, and none that there is not', () => {
  const set = new WorkerSet<{ name: string }>(1);
  set.put(0, first);
  expect(() => {
    set.put(0, second);
  }).toThrow('no room at place 0');
  expect(() => {
    set.put(1, second);
  }).toThrow('no room at place 1');
});

it('is closed when every worker is gone, and takes nobody from then on', async () => {
  const set = new WorkerSet<{ name: string }>(2);
  set.put(1, first);
  set.put(0, second);
  let letGo: () => void = () => undefined;
  const ended: string[] = [];
  const closed = set.close(async ({ name }) => {
    if (name === 'first') {
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
    }
    ended.push(name);
    set.remove(name === 'first' ? first : second);
  });
  expect(set.isClosed).toBe(true);
  await Promise.resolve();
  expect(ended).toEqual(['second']);
  expect(() => {
    set.put(0, other);
  }).toThrow('no room');
  letGo();
  await closed;
  expect(ended).toEqual(['second', 'first']);
});
