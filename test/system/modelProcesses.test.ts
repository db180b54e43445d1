/**
 * Whole models between two processes over HTTP: the same files as `run`, nothing of a weight in what is served, and
 * nothing wrong when a process, a worker or a connection dies on the way. Reads DATA_DIR/onnx.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import { connectModel } from '../../src/client/index.ts';
import type { ConnectOptions } from '../../src/client/index.ts';
import { readModelProto } from '../../src/frontend/onnx/proto/readProto.ts';
import { decodeTensor } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { parseServerModel } from '../../src/model/serverModel.ts';
import type { ServerModel } from '../../src/model/serverModel.ts';
import { cipherconv, temporaryFolder } from '../cli/spawnCli.ts';
import { clearModel, residualModel } from '../model/models.ts';
import { sendTo } from '../support/served.ts';
import { servingProcess } from '../support/servingProcess.ts';
import type { ServingProcess } from '../support/servingProcess.ts';
import { formsFound, runsOf, transposed, unpacked } from '../support/weightSearch.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx/');
const data = (...path: string[]): string => join(dataFolder, 'onnx', ...path);
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Case {
  readonly name: string;
  readonly file: string;
  readonly shape: readonly number[];
  readonly value: (index: number) => number;
  readonly flags?: readonly string[];
}

const wave = (index: number): number => Math.fround(Math.sin(index) * 2.6);
const CASES: readonly Case[] = [
  { name: 'jettagging', file: data('zoo', 'zoo_qkeras_jettagging.onnx'), shape: [1, 16], value: wave },
  { name: 'kwsmlp', file: data('zoo', 'zoo_kwsmlp_w3a3.onnx'), shape: [1, 1, 10, 49], value: wave },
  {
    name: 'dvs',
    file: data('quantlab', 'dory_quantlab_dvs_cnn.onnx'),
    shape: [1, 16, 64, 64],
    value: (index) => Number((index * 7919) % 31 === 0),
  },
  {
    name: 'tfc',
    file: data('qonnx', 'TFC_2W2A.onnx'),
    shape: [1, 1, 28, 28],
    value: (index) => Math.fround(((index * 7919) % 997) / 996),
  },
  {
    name: 'eegnet',
    file: data('nemo', 'eegnet_1d_8b_Hx1', 'eegnet_id_8b.onnx'),
    shape: [1, 100, 512, 1],
    value: (index) => (index * 7919) % 256,
    flags: ['--input-type', '0=uint8,scale=1'],
  },
  { name: 'qdq', file: data('onnxruntime', 'conv_qdq_u8u8.onnx'), shape: [1, 3, 24, 24], value: wave },
  {
    name: 'qdq-one',
    file: data('onnxruntime', 'transform', 'qdq_conv.onnx'),
    shape: [1, 1, 5, 5],
    value: (index) => Number(index === 24),
  },
  { name: 'residual', file: at('residual.onnx'), shape: [1, 1, 4, 4], value: (index) => (index * 53) % 256 },
];

const inputOf = ({ shape, value }: Case): { shape: readonly number[]; data: Float64Array } => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) =>
    value(i),
  ),
});
const caseOf = (name: string): Case => CASES.find((each) => each.name === name)!;
const serverOf = (name: string): ServerModel =>
  parseServerModel(readFileSync(at(`${name}.plan`), 'utf8'), name);

let server: ServingProcess;

beforeAll(async () => {
  writeFileSync(at('residual.onnx'), residualModel());
  for (const each of CASES) {
    const files = ['-o', at(`${each.name}.plan`), '--client-plan', at(`${each.name}.client`)];
    const made = cipherconv(['-q', 'compile', each.file, ...files, ...(each.flags ?? [])]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { shape, data: values } = inputOf(each);
    writeFileSync(at(`${each.name}.json`), JSON.stringify({ shape, data: [...values] }));
  }
  server = await servingProcess(CASES.map(({ name }) => at(`${name}.plan`)));
});

afterAll(async () => {
  await server.kill('SIGTERM');
});

describe('two processes', () => {
  it.each(CASES)('$name: infer writes the file that run writes', ({ name, file, flags = [] }) => {
    const input = ['-i', at(`${name}.json`)];
    const ran = cipherconv(['-q', 'run', file, ...flags, ...input, '-o', at(`${name}.run.pb`)]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const plan = ['--plan', at(`${name}.client`), '--server', server.url];
    const inferred = cipherconv(['-q', 'infer', ...plan, ...input, '-o', at(`${name}.infer.pb`)]);
    expect(inferred).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at(`${name}.infer.pb`))).toEqual(readFileSync(at(`${name}.run.pb`)));
  });

  it('a model without encrypted layers has nothing to serve', () => {
    writeFileSync(at('clear.onnx'), clearModel());
    const made = cipherconv(['-q', 'compile', at('clear.onnx'), '-o', at('clear.plan')]);
    expect(made.code).toBe(2);
    expect(made.stderr).not.toBe('');
  });
});

/** Initializers of the file that are the weights of this layer before they were quantized, in their own order. */
function originals(file: string, weights: ArrayLike<number>, rows: number): number[][] {
  const { graph } = readModelProto(readFileSync(file), file);
  const orders = [Array.from(weights), transposed(weights, rows)];
  return graph.initializer
    .filter(({ dims }) => dims.reduce((product, extent) => product * Number(extent), 1) === weights.length)
    .map((proto) => Array.from(decodeTensor(proto, file, () => new Uint8Array()).data, Number))
    .filter((values) => orders.some((order) => correlation(values, order) > 0.8));
}

function correlation(left: readonly number[], right: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right));
}

describe('what a server hands out', () => {
  const SEARCHED = ['jettagging', 'kwsmlp', 'dvs', 'tfc', 'eegnet', 'qdq'].map(caseOf);

  it.each(SEARCHED)('$name: holds no weight of an encrypted layer', async ({ name, file, ...rest }) => {
    const { digest, layers } = serverOf(name);
    const bodies: Uint8Array[] = [];
    const record: ConnectOptions['fetch'] = async (url, init) => {
      const response = await fetch(url, init);
      bodies.push(new Uint8Array(await response.clone().arrayBuffer()));
      return response;
    };
    for (const path of ['v1/models', 'v1/plans', 'openapi.json', 'metrics', 'health/ready'])
      bodies.push((await sendTo(`${server.url}/${path}`, 'GET')).body);
    using remote = await connectModel(server.url, digest, { fetch: record, hintCache: null });
    await remote.infer(inputOf({ name, file, ...rest }));
    expect(bodies.length).toBeGreaterThan(6 + layers.length - 1);
    const served = bodies.flatMap(unpacked);
    const own = unpacked(readFileSync(at(`${name}.plan`)));
    const source = unpacked(readFileSync(file));
    let searched = 0;
    for (const { plan } of layers) {
      const { outChannels } = plan.spec.weights;
      const weights = centredWeights(plan.spec.weights);
      const runs = [weights, transposed(weights, outChannels)].flatMap(runsOf);
      expect(formsFound(served, runs)).toEqual([]);
      const before = originals(file, weights, outChannels).flatMap(runsOf);
      expect(formsFound(served, before)).toEqual([]);
      // The search finds what is there: the server's part has the integers, the model's file what they were made from.
      searched += runs.length;
      if (runs.length > 0 && plan.spec.weights.zeroPoints.every((zero) => zero === 0))
        expect(formsFound(own, runs)).not.toEqual([]);
      if (before.length > 0) expect(formsFound(source, before)).not.toEqual([]);
    }
    expect(searched).toBeGreaterThan(0);
  });

  it('finds what a client computes in the clear, which is only in the client plan', () => {
    const { file } = caseOf('jettagging');
    const { graph } = readModelProto(readFileSync(file), file);
    const clear = graph.initializer
      .filter(({ dims }) => dims.map(Number).join() === '16,64')
      .map((proto) => Array.from(decodeTensor(proto, file, () => new Uint8Array()).data, Number));
    const runs = clear.flatMap(runsOf);
    expect(runs.length).toBeGreaterThan(20);
    expect(formsFound(unpacked(readFileSync(at('jettagging.client'))), runs)).toEqual(['float32']);
    expect(formsFound(unpacked(readFileSync(at('jettagging.plan'))), runs)).toEqual([]);
  });

  it.each(CASES)('$name: the server’s part has no segment', ({ name }) => {
    const part = JSON.parse(readFileSync(at(`${name}.plan`), 'utf8')) as { layers: object[] };
    const known = ['clientPlan', 'compiler', 'digest', 'format', 'layers', 'name', 'version'];
    expect(Object.keys(part).sort()).toEqual(known);
    for (const layer of part.layers) expect(layer).toMatchObject({ format: 'cipherconv-plan' });
    expect(JSON.stringify(part)).not.toMatch(/"(segments|rounds|initializer|nodes?|scales?)":/);
  });
});
