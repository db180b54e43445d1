/** QONNX nodes in standard operators, run by onnxruntime-web, against their definition in plain JavaScript. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { roundHalfEven } from '../../runtime/clear/requantize.ts';
import { ModelProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { encodeModel, nodeProto, tensorProto, valueProto } from '../../bench/models/write.ts';
import { QUANT_DOMAINS, withoutQuantNodes } from '../../src/model/quantNodes.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';

const away =
  (round: (magnitude: number) => number) =>
  (value: number): number =>
    Math.sign(value) * round(Math.abs(value));

const ROUNDINGS: Readonly<Record<string, (value: number) => number>> = {
  ROUND: roundHalfEven,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  UP: away(Math.ceil),
  DOWN: Math.trunc,
  ROUND_TO_ZERO: Math.trunc,
  HALF_UP: away((magnitude) => Math.floor(magnitude + 0.5)),
  HALF_DOWN: away((magnitude) => Math.ceil(magnitude - 0.5)),
};

interface Quant {
  readonly domain: string;
  readonly opset: number;
  readonly mode: string;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly bits: number;
  readonly scale: number;
  readonly zeroPoint: number;
  /** In quarters of a step, so that ties occur. */
  readonly quarters: readonly number[];
}

const quants: fc.Arbitrary<Quant> = fc.record({
  domain: fc.constantFrom(...QUANT_DOMAINS),
  opset: fc.constantFrom(9, 10, 11, 13, 18),
  mode: fc.constantFrom(...Object.keys(ROUNDINGS)),
  signed: fc.boolean(),
  narrow: fc.boolean(),
  bits: fc.integer({ min: 2, max: 8 }),
  // A power of two: x / scale is exact, and so is everything else.
  scale: fc.constantFrom(0.125, 0.5, 1, 4),
  zeroPoint: fc.integer({ min: -3, max: 3 }),
  quarters: fc.array(fc.integer({ min: -1200, max: 1200 }), { minLength: 1, maxLength: 40 }),
});

const attribute = (flag: boolean): { int: number } => ({ int: flag ? 1 : 0 });

/** Without its Quant nodes, as bytes. */
function rewritten(bytes: Uint8Array, width: number): Uint8Array {
  const constants = new Map([['b', { type: 'float32' as const, shape: [], data: Float32Array.of(width) }]]);
  return toBinary(ModelProtoSchema, withoutQuantNodes(fromBinary(ModelProtoSchema, bytes), constants));
}

it('Quant, in all rounding modes, domains and opsets', async () => {
  await fc.assert(
    fc.asyncProperty(quants, async (quant) => {
      const { domain, opset, mode, signed, narrow, bits, scale, zeroPoint, quarters } = quant;
      const data = quarters.map((quarter) => (quarter / 4) * scale);
      const shape = [data.length];
      const bytes = encodeModel({
        name: 'quant',
        opset,
        ...(domain === '' ? {} : { domains: { [domain]: 1 } }),
        inputs: [valueProto('x', 'float32', shape)],
        outputs: [valueProto('y', 'float32', shape)],
        initializers: [
          tensorProto('s', 'float32', [], [scale]),
          tensorProto('z', 'float32', [], [zeroPoint]),
          tensorProto('b', 'float32', [], [bits]),
        ],
        nodes: [
          nodeProto({
            op: 'Quant',
            domain,
            inputs: ['x', 's', 'z', 'b'],
            outputs: ['y'],
            attributes: {
              signed: attribute(signed),
              narrow: attribute(narrow),
              rounding_mode: { text: mode },
            },
          }),
        ],
      });
      const lo = signed ? -(2 ** (bits - 1)) + (narrow ? 1 : 0) : 0;
      const hi = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1 - (narrow ? 1 : 0);
      const expected = data.map((x) => {
        const q = ROUNDINGS[mode]!(Math.min(Math.max(x / scale + zeroPoint, lo), hi));
        return (q - zeroPoint) * scale + 0;
      });
      const results = await runInOnnxruntime(rewritten(bytes, bits), [
        { name: 'x', type: 'float32', shape, data },
      ]);
      expect((results.get('y')?.data ?? []).map((value) => value + 0)).toEqual(expected);
    }),
    { numRuns: runs(120) },
  );
});

it('BipolarQuant: the sign, and plus for 0', async () => {
  const data = [-3, -0.001, 0, 0.001, 7];
  const bytes = encodeModel({
    name: 'bipolar',
    opset: 9,
    domains: { 'qonnx.custom_op.general': 1 },
    inputs: [valueProto('x', 'float32', [5])],
    outputs: [valueProto('y', 'float32', [5])],
    initializers: [tensorProto('s', 'float32', [], [0.5])],
    nodes: [
      nodeProto({
        op: 'BipolarQuant',
        domain: 'qonnx.custom_op.general',
        inputs: ['x', 's'],
        outputs: ['y'],
      }),
    ],
  });
  const results = await runInOnnxruntime(rewritten(bytes, 1), [
    { name: 'x', type: 'float32', shape: [5], data },
  ]);
  expect(results.get('y')?.data).toEqual([-0.5, -0.5, 0.5, 0.5, 0.5]);
});

it('refuses rounding modes that are not known, and widths that are not constant', () => {
  const model = (mode: string, width: string): Uint8Array =>
    encodeModel({
      name: 'quant',
      opset: 13,
      inputs: [valueProto('x', 'float32', [1])],
      outputs: [valueProto('y', 'float32', [1])],
      initializers: [],
      nodes: [
        nodeProto({
          op: 'Quant',
          inputs: ['x', 's', 'z', width],
          outputs: ['y'],
          attributes: { rounding_mode: { text: mode } },
        }),
      ],
    });
  expect(() => rewritten(model('STOCHASTIC', 'b'), 4)).toThrow(/the rounding mode "STOCHASTIC"/);
  expect(() => rewritten(model('ROUND', 'w'), 4)).toThrow(/bit width is not constant/);
});
