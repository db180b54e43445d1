import { internalError } from '../../compiler/base/errors.ts';
import { endpointOf } from '../client/endpoint.ts';
import { openRemoteNetwork } from '../client/remoteNetwork.ts';
import { fitStack, readInputFiles } from '../model/modelInputs.ts';
import { stackOutputs, writeModelOutputs } from '../model/modelOutputs.ts';
import type { NamedTensors } from '../model/runFlow.ts';
import { fromDense, toDoubles } from '../model/typedTensor.ts';
import type { ClientNetwork } from '../network/clientNetwork.ts';
import { modelPort } from '../network/port.ts';
import { described, tellingOf } from './inferSessions.ts';
import type { Inferred, InferSession, ServerOptions } from './inferSessions.ts';

/** A network of one round at a server. */
export async function networkSession(
  network: ClientNetwork,
  { url, atOnce, rules, io }: ServerOptions,
): Promise<InferSession<NamedTensors>> {
  const { view, port, output, digest } = network;
  const remote = await openRemoteNetwork(network, endpointOf(url, `v1/plans/${digest}`, tellingOf(io)));
  const ports = [modelPort(port, view.input.range)];
  const infer = async (inputs: NamedTensors): Promise<Inferred<NamedTensors>> => {
    const bytes = { upload: 0, response: 0 };
    const tensor = inputs.get(port.name);
    if (tensor === undefined) throw internalError(`the input ${port.name} is missing`);
    const began = performance.now();
    const scores = await remote.infer(
      { shape: tensor.shape, data: toDoubles(tensor, port.name) },
      {
        onStep: ({ kind, bytes: { length } }) => {
          if (kind === 'answered') bytes.response += length;
          else bytes.upload += length;
        },
      },
    );
    const ms = performance.now() - began;
    const { shape, data } = scores;
    const typed = fromDense({ type: 'float32', shape, data: Float32Array.from(data) }, output);
    return {
      ms,
      bytes,
      layers: [{ name: view.name, ...bytes }],
      output: new Map([[output, typed]]),
      ...described(new Map([[output, scores]])),
    };
  };
  return {
    kind: 'network',
    name: view.name,
    digest,
    rounds: 1,
    atOnce,
    load: async (files) =>
      fitStack({ inputs: ports, segments: [] }, await readInputFiles(ports, files), io.notice, rules),
    infer,
    write: (path, outputs) =>
      writeModelOutputs(
        path,
        { outputs: stackOutputs(outputs.map((each) => each.output)), layout: 'NCHW' },
        io.notice,
      ),
    dispose: () => {
      remote.dispose();
    },
  };
}
