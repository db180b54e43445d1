import { describe, expect, it } from 'vitest';
import { planLanes } from '../../runtime/clear/lanes.ts';

describe('planLanes', () => {
  it('shares a double between as few channels as the fewest panels of four columns need', () => {
    // 2M + 1 = 163 <= 2^8: up to six lanes of 8 bits.
    expect(planLanes(24, 81)).toEqual({ outputs: 24, lanes: 6, base: 256, columns: 4 });
    expect(planLanes(25, 81)).toMatchObject({ lanes: 4, columns: 8 });
    expect(planLanes(4, 81)).toMatchObject({ lanes: 1, columns: 4 });
    expect(planLanes(1, 81)).toMatchObject({ lanes: 1, columns: 4 });
  });

  it('takes one bit more exactly when two neighbouring digits could touch', () => {
    expect(planLanes(24, 127).base).toBe(256); // 2M + 1 = 255
    expect(planLanes(24, 128).base).toBe(512); // 2M + 1 = 257
  });

  it('never lets the digits outgrow 53 bits', () => {
    for (let bits = 1; bits < 53; bits++) {
      const { lanes, base } = planLanes(1000, 2 ** bits - 1);
      expect(lanes === 1 || base ** lanes <= 2 ** 53).toBe(true);
      expect(base).toBeGreaterThan(2 * (2 ** bits - 1));
    }
  });

  it('refuses sums beyond 2^53', () => {
    expect(planLanes(4, 2 ** 53 - 1).lanes).toBe(1);
    expect(() => planLanes(4, 2 ** 53)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });
});
