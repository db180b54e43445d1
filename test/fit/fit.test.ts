import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { highest } from '../../src/fit/evaluate.ts';
import { runExactly } from '../../src/fit/exact.ts';
import { fit, requireWidth } from '../../src/fit/fit.ts';
import type { FitOptions } from '../../src/fit/fit.ts';
import { proveTrained } from '../../src/fit/prove.ts';
import { recipeOf } from '../../src/fit/recipe.ts';
import { BARS, bars, EVERYTHING, parsed, randomNetwork } from './small.ts';

const EXAMPLES = bars(600, 1);
const HELD_OUT = bars(150, 2);
const OPTIONS: FitOptions = { accumulatorBits: 11, epochs: 25, validation: HELD_OUT, augmentation: 'none' };

const trained = await fit(parsed(BARS), EXAMPLES, OPTIONS);

describe('fit', () => {
  it('learns, within the width that was declared, proved by the analysis of the compiler', () => {
    const { report, network } = trained;
    expect(report.accuracy.validation.of).toBe(150);
    expect(report.accuracy.validation.right).toBeGreaterThanOrEqual(140);
    const proof = proveTrained(network);
    expect(proof.width).toBeLessThanOrEqual(2n ** 11n);
    expect(report.logits.provedBits).toBe(proof.bits);
    // The budget is used, not left lying.
    expect(proof.bits).toBeGreaterThan(9.5);
  });

  it('reports what the integers do', () => {
    const { report, network } = trained;
    let right = 0;
    for (let index = 0; index < 150; index++) {
      const { scores } = runExactly(network, HELD_OUT.pixels.subarray(index * 64, (index + 1) * 64));
      if (highest(scores) === HELD_OUT.labels[index]) right++;
    }
    expect(report.accuracy.validation.right).toBe(right);
    report.layers.forEach(({ seen, proved }) => {
      expect(seen.lo).toBeGreaterThanOrEqual(proved.lo);
      expect(seen.hi).toBeLessThanOrEqual(proved.hi);
    });
    expect(report.squares).toBe('odd');
    expect(report.layers.map(({ step }) => step % 2)).toEqual([0, 0]);
  });

  it('the same seed gives the same bytes, another seed others', async () => {
    const short = { ...OPTIONS, epochs: 2 };
    const [one, same, other] = await Promise.all([
      fit(parsed(BARS), EXAMPLES, short),
      fit(parsed(BARS), EXAMPLES, short),
      fit(parsed(BARS), EXAMPLES, { ...short, seed: 2 }),
    ]);
    expect(Buffer.from(same.model).equals(one.model)).toBe(true);
    expect(Buffer.from(other.model).equals(one.model)).toBe(false);
  });

  it('tells of every pass, and holds out pictures where none are given', async () => {
    const passes: number[] = [];
    const { report } = await fit(parsed(BARS), EXAMPLES, {
      accumulatorBits: 11,
      epochs: 3,
      onEpoch: ({ epoch }, epochs) => passes.push(epoch, epochs),
    });
    expect(passes).toEqual([1, 3, 2, 3, 3, 3]);
    expect(report.accuracy).toMatchObject({ training: { of: 540 }, validation: { of: 60 } });
  });

  it('trains every kind of layer', async () => {
    const random = bars(40, 3);
    const pixels = new Uint8Array(40 * 144).map(
      (_, index) => (random.pixels[index % random.pixels.length]! * 30) >> 8,
    );
    const { report } = await fit(
      parsed(EVERYTHING),
      { pixels, labels: random.labels },
      { accumulatorBits: 52, epochs: 1 },
    );
    expect(report.squares).toBe('plain');
    expect(report.logits.provedBits).toBeLessThanOrEqual(52);
    expect(report.layers).toHaveLength(4);
  });
});

describe('what does not fit', () => {
  it('a proof above the declared bits is refused, at the bits that it needs it is not', () => {
    const proof = proveTrained(randomNetwork(BARS, 1));
    const bits = Math.ceil(proof.bits);
    expect(() => {
      requireWidth(proof, bits);
    }).not.toThrow();
    expect(() => {
      requireWidth(proof, bits - 1);
    }).toThrow(expect.objectContaining({ code: 'overflow' }));
  });

  it('a width without room for weights is refused before training, one bit more is not', () => {
    const { stages } = parsed(BARS);
    const refused = (bits: number): boolean => {
      try {
        recipeOf(stages, 4, bits, 'plain');
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(CipherconvError);
        return true;
      }
    };
    const least = Array.from({ length: 20 }, (_, bits) => bits).find((bits) => !refused(bits)) ?? 0;
    expect(least).toBeGreaterThan(4);
    expect(refused(least - 1)).toBe(true);
  });

  it('odd squares behind pads are refused where they are asked for', async () => {
    const random = bars(4, 3);
    const examples = { pixels: new Uint8Array(4 * 144), labels: random.labels };
    await expect(
      fit(parsed(EVERYTHING), examples, { accumulatorBits: 52, epochs: 1, squares: 'odd' }),
    ).rejects.toThrow(expect.objectContaining({ code: 'unsupported' }));
  });

  it('one picture is too few', async () => {
    await expect(fit(parsed(BARS), bars(1, 1), OPTIONS)).rejects.toThrow(
      expect.objectContaining({ code: 'out-of-range' }),
    );
  });
});
