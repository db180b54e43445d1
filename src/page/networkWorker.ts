import { connectNetwork } from '../client/index.ts';
import type { RemoteNetwork } from '../client/index.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { parametersFor } from '../../compiler/network/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { modelPort } from '../network/port.ts';
import { excerptOf } from './excerpt.ts';
import type { NetworkFacts, NetworkInferred, Step } from './messages.ts';
import { stepClock } from './planWorker.ts';
import { ServerTiming } from './serverTiming.ts';
import type { Session, Surroundings } from './session.ts';

/** A network of one round that is open, in the worker of the page: fetched, checked, with a fresh key. */
export async function openNetwork(
  digest: string,
  signal: AbortSignal,
  { server, fetch: fetchUrl, onStep }: Surroundings,
): Promise<Session> {
  const began = performance.now();
  const timing = new ServerTiming(fetchUrl);
  // A person is told at once that the server is lost, and asks again.
  const remote = await connectNetwork(server, digest, { signal, fetch: timing.fetch, patienceMs: 0 });
  return {
    facts: factsOf(remote, performance.now() - began),
    infer: (input, given) => infer(remote, input, { timing, onStep, signal: given }),
    compare: null,
    dispose: () => {
      remote.dispose();
    },
  };
}

function factsOf({ network, client }: RemoteNetwork, openMs: number): NetworkFacts {
  const { view, port, output, digest } = network;
  const { parameters } = view;
  return {
    kind: 'network',
    digest,
    name: view.name,
    port,
    range: view.input.range,
    inputs: [modelPort(port, view.input.range)],
    outputs: [{ name: output, type: 'float32', shape: [1, ...view.output.shape] }],
    layout: 'NCHW',
    degree: parameters.degree,
    plainModuli: parameters.plainModuli,
    modulusBits: coeffModulusBits(parametersFor(parameters, parameters.plainModuli[0] ?? 0)),
    securityBits: parameters.securityBits,
    uploadBytes: client.uploadBytes,
    responseBytes: client.responseBytes,
    evaluationKeyBytes: client.evaluationKeyBytes,
    openMs,
  };
}

interface Watching {
  readonly timing: ServerTiming;
  readonly onStep: (step: Step) => void;
  readonly signal: AbortSignal;
}

async function infer(
  remote: RemoteNetwork,
  input: Tensor,
  { timing, onStep, signal }: Watching,
): Promise<NetworkInferred> {
  const clock = stepClock(onStep);
  const messages: Uint8Array[] = [];
  const { scores, logits } = await remote.inferExact(input, {
    signal,
    onStep: ({ kind, bytes }) => {
      if (kind === 'encrypted') clock('encrypt', 0, 0);
      else if (kind === 'keys-sent') clock('send keys', bytes.length, 0);
      else clock('send and evaluate', remote.client.uploadBytes, bytes.length, timing.lastMs);
      if (kind !== 'keys-sent') messages.push(bytes);
    },
  });
  clock('decrypt', 0, 0);
  const [upload, response] = messages;
  if (upload === undefined || response === undefined) throw internalError('a step went unseen');
  return {
    kind: 'network',
    output: scores,
    logits: logits.map(String),
    upload: excerptOf(upload),
    response: excerptOf(response),
  };
}
