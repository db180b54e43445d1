import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { chooseUploadForm, microsecondsOfSeeding } from '../../compiler/toeplitz/uploadForm.ts';
import { uploadForm } from '../../compiler/lowerings/plan.ts';
import { lanesOf } from '../support/kernels.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { simpleSpec } from '../support/simple.ts';
import { compileToeplitz } from '../support/compile.ts';

const plan = compileToeplitz(simpleSpec(), { kernel: 'direct' });
const { parameters } = plan;
const kernel = 'direct';

describe('the form of uploads', () => {
  it('is seeded over a common line: half the bytes', () => {
    const whole = compileToeplitz(simpleSpec(), { upload: 'whole' });
    expect(whole.execution).toMatchObject({ kernel: 'direct', upload: 'whole' });
    expect(uploadForm(plan)).toBe('seeded');
    const { degree, dataPrimes } = parameters;
    const c1 = Math.ceil((degree * BigInt(dataPrimes[0]!).toString(2).length) / 8);
    expect(whole.bytes.upload - plan.bytes.upload).toBe(plan.counts.inputCiphertexts * (c1 - 32));
  });

  it('stays seeded over any line under a prime of 31 bits: expanding takes less than packing', () => {
    const [prime] = parameters.dataPrimes;
    expect(BigInt(prime!).toString(2).length).toBeLessThanOrEqual(31);
    for (const linkMegabitsPerSecond of [1, 1e4, 1e9])
      expect(chooseUploadForm({ parameters, objective: 'latency', linkMegabitsPerSecond })).toBe('seeded');
  });

  it('under a wider one turns whole exactly where the line is fast enough, for latency only', () => {
    const spec = simpleSpec({
      input: { bits: 16 },
      weights: { bits: 8, values: [41, 82, 41, 82, 127, 82, 41, 82, 41] },
    });
    const { parameters } = compileToeplitz(spec, { kernel });
    expect(BigInt(parameters.dataPrimes[0]!).toString(2).length).toBeGreaterThan(31);
    const costAt = (linkMegabitsPerSecond: number): number =>
      microsecondsOfSeeding({ parameters, linkMegabitsPerSecond });
    let [slow, fast] = [1, 1e6];
    expect(costAt(slow)).toBeLessThan(0);
    expect(costAt(fast)).toBeGreaterThan(0);
    while (fast / slow > 1.0001) {
      const middle = Math.sqrt(slow * fast);
      if (costAt(middle) > 0) fast = middle;
      else slow = middle;
    }
    for (const [linkMegabitsPerSecond, form] of [
      [slow, 'seeded'],
      [fast, 'whole'],
    ] as const) {
      expect(chooseUploadForm({ parameters, objective: 'latency', linkMegabitsPerSecond })).toBe(form);
      expect(uploadForm(compileSpec(spec, { linkMegabitsPerSecond, kernel, lowering: 'toeplitz' }))).toBe(
        form,
      );
      expect(chooseUploadForm({ parameters, objective: 'bandwidth', linkMegabitsPerSecond })).toBe('seeded');
    }
  });

  it('is seeded with the ntt kernel, whose SEAL would throw at a c1 that somebody chose', () => {
    const fast = { kernel: 'ntt', linkMegabitsPerSecond: 1e6, lowering: 'toeplitz' } as const;
    expect(uploadForm(compileSpec(simpleSpec(), fast))).toBe('seeded');
    expect(uploadForm(compileSpec(simpleSpec(), { ...fast, engine: 'seal' }))).toBe('seal-seeded');
    expect(() => compileSpec(simpleSpec(), { kernel: 'ntt', upload: 'whole' })).toThrow(
      /does not take whole/,
    );
  });

  it('is proved with the plan: its bytes follow from it, and rotated uploads are seeded', () => {
    expect(() => {
      verify({ ...plan, execution: { kernel, lanes: lanesOf(plan), upload: 'whole' } });
    }).toThrow(/bytes/);
    const spec = simpleSpec({ input: { height: 8, width: 8 } });
    const rotated = compileSpec(spec, { lowering: 'diagonals', upload: 'whole' });
    expect(uploadForm(rotated)).toBe('seal-seeded');
  });
});
