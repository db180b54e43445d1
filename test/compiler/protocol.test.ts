/** Which protocol `auto` takes: what each costs, and from how many inferences on hints cost less. */
import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { protocolOf } from '../../compiler/lowering/plan.ts';
import { directKernel } from '../../compiler/toeplitz/cost.ts';
import { directCounts } from '../../compiler/toeplitz/direct/cost.ts';
import { hintBytes } from '../../compiler/toeplitz/hint.ts';
import { toeplitzLayout } from '../../compiler/toeplitz/packing.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import { breakEven, hintsPay, protocolCost } from '../../compiler/toeplitz/protocolCost.ts';
import { LAYERS, layerSpec } from '../../src/bench/layers.ts';
import { protocolReport } from '../../src/report/protocolReport.ts';
import { compileToeplitz } from '../support/compile.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';

const spec = manyChannels;
const standard = protocolCost(compileToeplitz(spec, { kernel: 'direct' }));
const hintPlan = compileToeplitz(spec, { protocol: 'hint' });
const hint = protocolCost(hintPlan);

describe('the costs of the protocols', () => {
  it('are those of one inference, and what the hint takes once', () => {
    expect(standard).toMatchObject({ protocol: 'standard', offlineMilliseconds: 0, onceBytes: 0 });
    expect(hint.bytes).toBe(hintPlan.bytes.upload + hintPlan.bytes.response);
    expect(hint.onceBytes).toBe(hintBytes({ ...hintPlan, shape: hintPlan.spec }));
    expect(hint.onlineMilliseconds).toBeLessThan(standard.onlineMilliseconds);
    expect(hint.offlineMilliseconds).toBeGreaterThan(0);
    expect(hint.bytes).toBeLessThan(standard.bytes);
  });

  it('break even where what was saved covers what it took once, and not one inference before', () => {
    const { time, bytes } = breakEven(standard, hint);
    const saved = standard.bytes - hint.bytes;
    expect(bytes! * saved).toBeGreaterThanOrEqual(hint.onceBytes);
    expect((bytes! - 1) * saved).toBeLessThan(Math.max(1, hint.onceBytes));
    const milliseconds = standard.onlineMilliseconds - hint.onlineMilliseconds - hint.offlineMilliseconds;
    expect(time! * milliseconds).toBeGreaterThanOrEqual(hint.onceMilliseconds);
    expect(breakEven(standard, { ...hint, bytes: standard.bytes }).bytes).toBeNull();
    for (const objective of ['latency', 'total'] as const) {
      expect(hintsPay({ time: 3, bytes: null }, objective, 3)).toBe(true);
      expect(hintsPay({ time: 3, bytes: 1 }, objective, 2)).toBe(false);
    }
    expect(hintsPay({ time: 1, bytes: 4 }, 'bandwidth', 4)).toBe(true);
    expect(hintsPay({ time: 1, bytes: 4 }, 'bandwidth', 3)).toBe(false);
    expect(hintsPay({ time: null, bytes: null }, 'latency', 1000)).toBe(false);
  });
});

describe('what the hint takes once', () => {
  it.each([
    // Few channels: the direct kernel. 512 of them on a picture of 7x7: transforms, in a third of its time.
    ['L8', 0.9, 1.1],
    ['L10', 0.9, 1.1],
    ['L11', 0.2, 0.4],
  ] as const)('%s: is counted by the way in which it is computed', (id, least, most) => {
    const layer = LAYERS.find((candidate) => candidate.id === id)!;
    const plan = compileToeplitz(layerSpec(layer), { protocol: 'hint' });
    const { packing, parameters, counts } = plan;
    const primes = parameters.dataPrimes.map(BigInt);
    const layout = toeplitzLayout(plan.spec, packing, parameters.degree);
    const direct = directCounts(plan.spec, packing, primes, layout);
    const oneGroup = {
      ...counts,
      inputCiphertexts: counts.inputCiphertexts / layout.blockGroups,
      outputCiphertexts: counts.outputCiphertexts / layout.blockGroups,
    };
    const byDirect = directKernel(
      { degree: parameters.degree, counts: oneGroup },
      { ...direct, blockGroups: 1 },
      'c1',
    );
    const ratio = (protocolCost(plan).onceMilliseconds * 1e6) / (byDirect * primes.length);
    expect(ratio).toBeGreaterThan(least);
    expect(ratio).toBeLessThan(most);
  });
});

describe('protocol auto', () => {
  const protocolWith = (options: Parameters<typeof compileToeplitz>[1]): string =>
    protocolOf(wireOf(compileToeplitz(spec, options)));

  it('is the standard one for a single inference, and hints from the break-even on', () => {
    expect(protocolWith({})).toBe('standard');
    for (const objective of ['latency', 'bandwidth', 'total'] as const) {
      const report = protocolReport(compileToeplitz(spec, { objective, inferences: 1000 }))!;
      expect(report.protocol).toBe('hint');
      expect(report.own.protocol).toBe('hint');
      expect(report.other).toMatchObject({ protocol: 'standard' });
      const needed = objective === 'bandwidth' ? report.breakEven!.bytes : report.breakEven!.time;
      expect(needed).toBeLessThanOrEqual(1000);
    }
  });

  it('leaves a request alone that has no room for hints', () => {
    expect(protocolWith({ inferences: 1000, kernel: 'ntt' })).toBe('standard');
    expect(protocolWith({ inferences: 1000, engine: 'seal' })).toBe('standard');
    expect(protocolWith({ inferences: 1000, upload: 'whole' })).toBe('standard');
    expect(protocolWith({ inferences: 1000, protocol: 'standard' })).toBe('standard');
  });

  it('gives the same plan each time, the one that is asked for by name', () => {
    const [one, two] = [1, 2].map(() => compileToeplitz(spec, { inferences: 1000 }));
    expect(one).toEqual(two);
    const asked = compileToeplitz(spec, { inferences: 1000, protocol: 'hint' });
    expect({ ...one, request: asked.request }).toEqual(asked);
  });

  it('says why there is no other protocol', () => {
    const wide = simpleSpec({
      weights: { bits: 16, signed: true, values: [-32768, 1, 1, 1, 1, 1, 1, 1, 1] },
    });
    const report = protocolReport(compileToeplitz(wide, { inferences: 50 }))!;
    expect(report).toMatchObject({ protocol: 'standard', breakEven: null });
    expect(report.other).toMatchObject({ refused: expect.stringContaining('direct kernel') as string });
    const slots = compileSpec(simpleSpec({ input: { height: 8, width: 8 } }), { lowering: 'diagonals' });
    expect(protocolReport(slots)).toBeNull();
  });
});
