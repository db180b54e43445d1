import { describe, expect, it } from 'vitest';
import { interpret } from '../../src/interpreter/interpreter.ts';
import type { Outside, Step } from '../../src/interpreter/interpreter.ts';
import type { DenseTensor } from '../../src/interpreter/values.ts';

const of = (...values: number[]): DenseTensor => ({
  type: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

function step(name: string, inputs: readonly string[], outputs: readonly string[], run: Step['run']): Step {
  return { name, op: 'Test', inputs, outputs, run };
}

const plusOne = (name: string, from: string, to: string): Step =>
  step(name, [from], [to], ([tensor]) => [of(...Array.from(tensor!.data, (value) => value + 1))]);

describe('interpret', () => {
  it('runs only what the wanted tensors need', async () => {
    const idle = step('idle', ['x'], ['z'], () => {
      throw new Error('nobody wants this');
    });
    const steps = [plusOne('a', 'x', 'y'), idle, plusOne('b', 'y', 'w')];
    const made = await interpret(steps, new Map([['x', of(1, 2)]]), ['w']);
    expect([...made.keys()]).toEqual(['w']);
    expect(Array.from(made.get('w')!.data)).toEqual([3, 4]);
  });

  it('hands on what is given, and an input that is also wanted', async () => {
    const made = await interpret([plusOne('a', 'x', 'y')], new Map([['x', of(1)]]), ['x', 'y']);
    expect(Array.from(made.get('x')!.data)).toEqual([1]);
    expect(Array.from(made.get('y')!.data)).toEqual([2]);
  });

  it('asks outside for what a step cannot compute, and refuses it by name where there is no outside', async () => {
    const cannot = step('strange', ['x', ''], ['y'], () => null);
    const given = new Map([['x', of(5)]]);
    const outside: Outside = (asked, inputs) => {
      expect([asked.name, inputs.length, inputs[1]]).toEqual(['strange', 2, null]);
      return Promise.resolve([of(7)]);
    };
    const made = await interpret([cannot], given, ['y'], { outside, meter: null });
    expect(Array.from(made.get('y')!.data)).toEqual([7]);
    await expect(interpret([cannot], given, ['y'])).rejects.toMatchObject({
      code: 'unsupported',
      details: { where: 'strange', found: 'Test of float32 [1], nothing' },
    });
  });

  it('refuses 64-bit integers that a double does not hold', async () => {
    const wide = (value: number): Step =>
      step('wide', [], ['y'], () => [{ type: 'int64', shape: [1], data: Float64Array.of(value) }]);
    const exact = await interpret([wide(2 ** 53 - 1)], new Map(), ['y']);
    expect(exact.get('y')!.data[0]).toBe(2 ** 53 - 1);
    await expect(interpret([wide(2 ** 53)], new Map(), ['y'])).rejects.toMatchObject({
      code: 'unsupported',
      details: { where: 'wide' },
    });
  });
});
