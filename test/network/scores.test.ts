/** Scores are the exact logits times the exact scale, rounded once; and logits that no input gives are none. */
import { expect, test } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { decodeLogit, requireProved } from '../../compiler/network/decode.ts';
import { denseStage } from '../../compiler/network/stages.ts';
import { UNSCALED } from '../../compiler/network/spec.ts';
import type { Fraction } from '../../compiler/network/spec.ts';
import { createNetworkClient } from '../../src/client/networkClient.ts';
import { clientNetworkOf, storeNetwork } from '../../src/network/networkPlan.ts';
import { scoresOf } from '../../src/network/port.ts';
import { rationalOf, toFloat32, toNumber } from '../../src/network/rational.ts';
import type { Rational } from '../../src/network/rational.ts';
import { createNetworkEvaluator } from '../../runtime/network/evaluator.ts';
import { networkMessageForm } from '../../runtime/network/messages.ts';
import { decodeMessage, encodeMessage } from '../../runtime/wire/message.ts';
import { integersFrom } from '../support/networks.ts';
import { errorOf } from '../support/simple.ts';

const scoreOf = (logit: bigint, scale: Fraction): number => scoresOf({ shape: [1], scale }, [logit]).data[0]!;

test('a logit past 2^53 is not rounded before its scale is applied, nor twice', () => {
  const scale = { numerator: '1', denominator: String(2n ** 40n) };
  // 2^24 + 1 lies between two float32; what follows it decides.
  const half = (2n ** 24n + 1n) * 2n ** 40n;
  expect([-1n, 0n, 1n].map((more) => scoreOf(half + more, scale) - 2 ** 24)).toEqual([0, 0, 2]);
  expect([-1n, 0n, 1n].map((more) => scoreOf(-half + more, scale) + 2 ** 24)).toEqual([-2, 0, 0]);
  // A third of 3 * (2^60 + 1): the factor as a double is no third.
  expect(scoreOf(3n * (2n ** 60n + 2n ** 36n + 1n), { numerator: '1', denominator: '3' })).toBe(
    2 ** 60 + 2 ** 37,
  );
});

/** The float32 above or below. */
function neighbour(value: number, step: 1 | -1): number {
  const [float, word] = [new Float32Array([value]), new Int32Array(1)];
  new Uint8Array(word.buffer).set(new Uint8Array(float.buffer));
  word[0] = word[0]! + (value > 0 ? step : -step);
  new Uint8Array(float.buffer).set(new Uint8Array(word.buffer));
  return float[0]!;
}

/** |value - exact|, times 2^200 and the denominator. */
function distance(value: number, { numerator, denominator }: Rational): bigint {
  const own = rationalOf(value);
  const difference = ((own.numerator << 200n) / own.denominator) * denominator - (numerator << 200n);
  return difference < 0n ? -difference : difference;
}

test('1,000 scores are the nearest float32', () => {
  const between = integersFrom(7);
  const wide = (words: number): bigint =>
    Array.from({ length: words }, () => BigInt(between(1, 2 ** 26))).reduce(
      (all, word) => all * word + 1n,
      1n,
    );
  for (let count = 0; count < 1000; count++) {
    const exact = { numerator: wide(between(1, 4)), denominator: wide(between(1, 4)) };
    const score = toFloat32(exact);
    expect(score).toBe(Math.fround(score));
    for (const step of [1, -1] as const)
      expect(distance(score, exact) <= distance(neighbour(score, step), exact)).toBe(true);
  }
});

test('the smallest and the largest floats are rounded to once too', () => {
  const of = (numerator: bigint, power: bigint): Rational => ({ numerator, denominator: 2n ** power });
  expect(toFloat32(of(1n, 150n))).toBe(0);
  expect(toFloat32(of(2n ** 60n + 1n, 210n))).toBe(2 ** -149);
  expect(toFloat32(of(3n, 150n))).toBe(2 ** -148);
  // Beyond half a step of the smallest doubles; a double of 53 bits first, then of fewer, gives the one below.
  expect(toNumber(of(2n ** 60n + 1n, 1135n))).toBe(2 ** -1074);
  expect(toNumber(of((3n << 60n) - 1n, 1135n))).toBe(2 ** -1074);
  expect(toFloat32(of(2n ** 128n - 2n ** 103n - 1n, 0n))).toBe(2 ** 128 - 2 ** 104);
  expect(toFloat32(of(2n ** 128n - 2n ** 103n, 0n))).toBe(Infinity);
  expect(toFloat32({ numerator: -(2n ** 128n), denominator: 1n })).toBe(-Infinity);
});

/** Four inputs, and three logits; the second one is a constant. */
const spec = {
  name: 'constant',
  input: { shape: [4], range: { lo: 0, hi: 3 } },
  stages: [denseStage('dense', 4, [1, 2, 3, 4, 0, 0, 0, 0, -1, 1, -1, 1], [5, -7, 0])],
  output: { shape: [3], scale: UNSCALED },
};

test('residues of a value that is not proved show as such, those of a constant too', () => {
  const moduli = [40961, 65537];
  const windows = [
    { lo: '-5', hi: '9', modulus: '2' },
    { lo: '-7', hi: '-7', modulus: '0' },
  ];
  const read = (values: readonly number[]): bigint[] =>
    windows.map(({ lo, modulus }, index) =>
      decodeLogit(
        { lo: BigInt(lo), modulus: BigInt(modulus) },
        moduli.map((plain) => (values[index]! + plain) % plain),
        moduli,
      ),
    );
  const check = (values: readonly number[]): (() => void) => {
    const logits = read(values);
    return () => {
      requireProved('net', windows, logits);
    };
  };
  for (const proved of [-5, -3, 9]) {
    expect(read([proved, -7])).toEqual([BigInt(proved), -7n]);
    check([proved, -7])();
  }
  for (const wrong of [
    [11, -7],
    [-7, -7],
    [8, -7],
    [9, -6],
  ])
    expect(errorOf(check(wrong))).toMatchObject({ code: 'out-of-range' });
  expect(errorOf(check([9, -6]))).toMatchObject({
    details: { where: 'net: logit 1', expected: '-7 to -7', found: '-6' },
  });
});

test('a response under SEAL is read where it is one of the network, and refused where it is none', async () => {
  const plan = compileNetwork(spec);
  const port = { name: 'x', type: 'uint8', shape: [1, 4], quantize: null } as const;
  const stored = storeNetwork({ plan, port, output: 'y', blind: null });
  using client = await createNetworkClient(clientNetworkOf(stored));
  using other = await createNetworkClient(clientNetworkOf(stored));
  using evaluator = await createNetworkEvaluator(plan);
  const { lengths } = networkMessageForm(client.network.view);
  const { digest } = stored;
  const parts = (message: Uint8Array, kind: 'keys' | 'upload'): Uint8Array[] =>
    decodeMessage(message, { kind, digest, lengths: lengths[kind] });
  evaluator.loadEvaluationKeys(parts(client.evaluationKeys(), 'keys')[0] ?? new Uint8Array());
  const upload = client.encrypt({ shape: [1, 4], data: Float64Array.from([3, 0, 1, 2]) });
  const response = encodeMessage('response', digest, evaluator.evaluate(parts(upload, 'upload')));
  expect(client.decrypt(response).logits).toEqual([19n, -7n, -2n]);
  // Under another key every residue is as good as random.
  expect(errorOf(() => other.decrypt(response))).toMatchObject({ code: 'out-of-range' });
});
