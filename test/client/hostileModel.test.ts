import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, it } from 'vitest';
import { ModelWriter } from '../../bench/models/modelWriter.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { openRemoteModel } from '../../src/client/remoteModel.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { ModelProtoSchema, NodeProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { MAX_SEGMENT_NODES } from '../../src/model/checkClearModel.ts';
import { digested, encodeClientModel, parseClientModel } from '../../src/model/clientModelFile.ts';
import { requireBounded, requireFewRounds } from '../../src/model/clientModelLimits.ts';
import type { ClientModel } from '../../src/model/clientModel.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { errorOf } from '../support/simple.ts';
import { residualModel, sampleInput, SHAPE } from '../model/models.ts';

/** A client plan of a model is foreign input, digest and all: whoever serves it makes both. */

let honest: ClientModel;

beforeAll(async () => {
  honest = clientModelOf(compileModel(await importOnnx(residualModel())));
});

/** The honest model with a first segment of somebody's making: from `x` it makes `z`, which is an output of the model too. */
function withSegment(
  build: (graph: ModelWriter) => string,
  edit: (model: ModelProto) => void = () => undefined,
): ClientModel {
  const graph = new ModelWriter();
  const z = build(graph);
  const model = fromBinary(
    ModelProtoSchema,
    graph.encode('g', 13, [], [{ name: z, type: 'uint8', shape: SHAPE }]),
  );
  edit(model);
  const bytes = toBinary(ModelProtoSchema, model);
  const first = { inputs: ['x'], outputs: [z], model: { format: 'onnx', bytes } } as const;
  const { segments, outputs, ...rest } = honest;
  const changed = {
    ...rest,
    outputs: [...outputs, { name: z, type: 'uint8', shape: null } as const],
    segments: [first, ...segments.slice(1)],
  };
  return digested(changed);
}

const reread = (model: ClientModel): ClientModel =>
  parseClientModel(encodeClientModel(model), 'the served model');

/** What an inference ends with, and how many requests it made. */
async function inference(model: ClientModel): Promise<{ readonly code: unknown; readonly requests: number }> {
  const { error, requests } = await failure(model);
  return { code: error instanceof CipherconvError ? error.code : error, requests };
}

async function failure(model: ClientModel): Promise<{ readonly error: unknown; readonly requests: number }> {
  let requests = 0;
  using remote = openRemoteModel(model, 'http://localhost:9', {
    hintCache: null,
    attempts: 1,
    fetch: () => {
      requests++;
      return Promise.reject(new Error('no server'));
    },
  });
  const error: unknown = await remote.inferNamed(new Map([['x', sampleInput()]])).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { error, requests };
}

const expand = (extent: number) => (graph: ModelWriter) =>
  graph.node('Expand', ['x', graph.constant('int64', [4], [extent, 1, 4, 4])]);

describe('the segments of a model from anywhere', () => {
  it('are computed up to what a client has for them, and refused past that before anything is sent', async () => {
    // One input ciphertext's layer comes after the segment: that nobody answers is where an honest one ends.
    expect(await inference(reread(withSegment(expand(2))))).toMatchObject({ code: 'server' });
    for (const extent of [2 ** 28, 2 ** 40])
      expect(await inference(reread(withSegment(expand(extent))))).toEqual({
        code: 'unsupported',
        requests: 0,
      });
  });

  it('do not loop', async () => {
    const loop = withSegment((graph) =>
      graph.node('Loop', [graph.constant('int64', [], [2 ** 40]), '', 'x']),
    );
    expect(await inference(reread(loop))).toEqual({ code: 'unsupported', requests: 0 });
  });

  it('refuse by name an initializer that a node needs and whose type is not read', async () => {
    const withType = (dataType: number): ClientModel =>
      withSegment(
        (graph) => graph.node('Add', ['x', graph.constant('uint8', [1], [0])]),
        ({ graph }) => {
          graph!.initializer[0]!.dataType = dataType;
        },
      );
    for (const [dataType, name] of [
      [17, 'float8e4m3fn'],
      [99, 'number 99'],
    ] as const) {
      const { error, requests } = await failure(reread(withType(dataType)));
      expect(requests).toBe(0);
      expect(error).toMatchObject({
        code: 'unsupported',
        details: { where: 'initializer "c0"', message: `element type ${name} not supported yet` },
      });
    }
  });

  it('refuse a node with a surplus output as that', async () => {
    const surplus = withSegment(
      (graph) => graph.node('Sub', ['x', 'x']),
      ({ graph }) => {
        graph!.node[0]!.output.push('more');
      },
    );
    const { error, requests } = await failure(reread(surplus));
    expect(requests).toBe(0);
    expect(error).toMatchObject({
      code: 'unsupported',
      details: {
        message: 'not supported yet: a surplus output of Sub',
        expected: 'at most 1',
        found: '2',
      },
    });
  });

  it('have so many nodes and no more', () => {
    const nodes = (count: number) => (model: ModelProto) => {
      const more = Array.from({ length: count - model.graph!.node.length }, (_, index) =>
        create(NodeProtoSchema, { opType: 'Identity', input: ['x'], output: [`n${index}`] }),
      );
      model.graph!.node.push(...more);
    };
    const build = (graph: ModelWriter): string => graph.node('Identity', ['x']);
    expect(reread(withSegment(build, nodes(MAX_SEGMENT_NODES))).name).toBe(honest.name);
    expect(errorOf(() => reread(withSegment(build, nodes(MAX_SEGMENT_NODES + 1))))).toMatchObject({
      code: 'malformed-plan',
      details: { message: expect.stringContaining('65537 nodes') as string },
    });
  });

  it('are read by our own reader', () => {
    const model = withSegment((graph) => graph.node('Identity', ['x']));
    const [first, ...others] = model.segments;
    const bytes = Uint8Array.of(10, 255, 255, 255, 255, 15);
    const segments = [{ ...first!, model: { format: 'onnx' as const, bytes } }, ...others];
    expect(errorOf(() => reread(digested({ ...model, segments })))).toMatchObject({
      code: 'malformed-plan',
      details: { message: expect.stringContaining('not an ONNX model') as string },
    });
  });
});

describe('the layers of a model from anywhere', () => {
  /** The layers of the honest model again and again, each as a round of its own. */
  function repeated(times: number): ClientModel {
    const [layer] = honest.rounds[0]!;
    const rounds = Array.from({ length: times }, (_, index) => [
      { ...layer!, name: `l${index}`, output: { ...layer!.output, tensor: `t${index}` } },
    ]);
    const output = { name: 't0', type: layer!.output.type, shape: null };
    const segments = Array.from({ length: times + 1 }, () => null);
    return digested({ ...honest, rounds, segments, outputs: [output] });
  }

  it('are so many and no more', () => {
    // A round counts as a layer more.
    requireFewRounds(repeated(2048).rounds, (_, message) => {
      throw new Error(message);
    });
    expect(errorOf(() => reread(repeated(2049)))).toMatchObject({
      details: { message: expect.stringContaining('more than 4096 rounds and layers') as string },
    });
  });

  it('have so many elements and bytes of hints together and no more', () => {
    const layers = layersOf(honest).map((layer) => ({
      ...layer,
      client: { ...layer.client, hint: { bytes: 100, sha256: '' } },
    }));
    // Three layers of 16 elements in and out.
    const [elements, hintBytes] = [3 * 32, 300];
    const refuse = (_: string, message: string): never => {
      throw new Error(message);
    };
    requireBounded(layers, refuse, { elements, hintBytes });
    expect(() => {
      requireBounded(layers, refuse, { elements: elements - 1, hintBytes });
    }).toThrow('96 elements go in and out, at most 95');
    expect(() => {
      requireBounded(layers, refuse, { elements, hintBytes: hintBytes - 1 });
    }).toThrow(/bytes of hints/);
  });
});
