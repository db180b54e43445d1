import { connectPlan } from '../client/index.ts';
import type { RemotePlan } from '../client/index.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { compareWithConfig } from './comparison.ts';
import { excerptOf } from './excerpt.ts';
import type { Inferred, PlanFacts, Step } from './messages.ts';
import { ServerTiming } from './serverTiming.ts';
import type { Session, Surroundings } from './session.ts';

/** A filter that is open, in the worker of the page: fetched, checked, with a fresh key. */
export async function openPlan(
  digest: string,
  signal: AbortSignal,
  { server, fetch: fetchUrl, onStep }: Surroundings,
): Promise<Session> {
  const began = performance.now();
  const timing = new ServerTiming(fetchUrl);
  // A person is told at once that the server is lost, and asks again.
  const remote = await connectPlan(server, digest, { signal, fetch: timing.fetch, patienceMs: 0 });
  return {
    facts: factsOf(remote, performance.now() - began),
    infer: (input, given) => infer(remote, input, { timing, onStep, signal: given }),
    compare: (run, files) => compareWithConfig(remote.plan, run, files),
    dispose: () => {
      remote.dispose();
    },
  };
}

function factsOf({ plan, client }: RemotePlan, openMs: number): PlanFacts {
  const { shape, parameters, lowering } = plan.view;
  return {
    kind: 'plan',
    digest: plan.digest,
    shape,
    output: outputShape(shape),
    layout: plan.layout,
    lowering,
    degree: parameters.degree,
    plainModulus: parameters.plainModulus,
    modulusBits: coeffModulusBits(parameters),
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
  remote: RemotePlan,
  input: Tensor,
  { timing, onStep, signal }: Watching,
): Promise<Inferred> {
  const clock = stepClock(onStep);
  const messages: Uint8Array[] = [];
  let budgetBits: number | null = null;
  const output = await remote.infer(input, {
    signal,
    onStep: ({ kind, bytes }) => {
      if (kind === 'encrypted') clock('encrypt', 0, 0);
      else if (kind === 'keys-sent') clock('send keys', bytes.length, 0);
      else clock('send and evaluate', remote.client.uploadBytes, bytes.length, timing.lastMs);
      if (kind !== 'keys-sent') messages.push(bytes);
    },
    onNoiseBudget: (bits) => {
      budgetBits = bits;
      clock('measure noise', 0, 0);
    },
  });
  clock('decrypt', 0, 0);
  const [upload, response] = messages;
  if (upload === undefined || response === undefined) throw internalError('a step went unseen');
  return { kind: 'plan', output, upload: excerptOf(upload), response: excerptOf(response), budgetBits };
}

/** Tells of each step when it ends; the next begins there. */
export function stepClock(
  onStep: (step: Step) => void,
): (name: Step['name'], bytesUp: number, bytesDown: number, serverMs?: number | null) => void {
  let began = performance.now();
  return (name, bytesUp, bytesDown, serverMs = null) => {
    const now = performance.now();
    onStep({ name, ms: now - began, bytesUp, bytesDown, serverMs });
    began = now;
  };
}
