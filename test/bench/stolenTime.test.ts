import { expect, it } from 'vitest';
import { calmest, countCalm, parseTicks, stolenShare } from '../../src/bench/stolenTime.ts';

const before = 'cpu  100 5 20 800 10 0 5 60 7 0\ncpu0 50 2 10 400 5 0 2 30 3 0\n';
const after = 'cpu  140 5 20 830 10 0 5 90 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n';

it('is the eighth field of the first line, over all fields but guest time, which is user time already', () => {
  expect(parseTicks(before)).toEqual({ stolen: 60, total: 1000 });
  expect(stolenShare(parseTicks(before), parseTicks(after))).toBe(0.3);
});

it('is unknown where the system does not tell, and where no time has passed', () => {
  for (const text of ['', 'cpu0 1 2 3 4 5 6 7 8', 'cpu 1 2 3', 'cpu 1 2 3 4 5 6 7 x'])
    expect(parseTicks(text)).toBeNull();
  expect(stolenShare(null, parseTicks(after))).toBeNull();
  expect(stolenShare(parseTicks(after), parseTicks(after))).toBeNull();
});

it('leaves the measurements that count: the calmest, of equals the later', () => {
  const all = [0.3, 0, 0.01, 0, 0.5].map((stolen, value) => ({ value, stolen }));
  expect(calmest(all, 3)).toEqual([3, 1, 2]);
  expect(calmest(all, 9)).toEqual([3, 1, 2, 0, 4]);
  expect(countCalm(all)).toBe(3);
});
