import { connectModel, nchwOf } from '../client/index.ts';
import type { Fetch, ModelStep, RemoteModel } from '../client/index.ts';
import { internalError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { layoutOf } from '../model/modelFlow.ts';
import { excerptOf } from './excerpt.ts';
import type { ModelFacts, ModelInferred, RoundState } from './messages.ts';
import { ServerTiming } from './serverTiming.ts';
import type { Session, Surroundings } from './session.ts';

/**
 * A model that is open, in the worker of the page: fetched, with the keys of all its layers made, so that nobody waits for
 * them later.
 */
export async function openModel(
  digest: string,
  signal: AbortSignal,
  { server, fetch: fetchUrl, onRound }: Surroundings,
): Promise<Session> {
  const began = performance.now();
  const timing = new ServerTiming(fetchUrl);
  const watch = new FirstExchange(timing.fetch);
  // A person is told at once that the server is lost, and asks again.
  const remote = await connectModel(server, digest, { signal, fetch: watch.fetch, patienceMs: 0 });
  try {
    await remote.warm();
    signal.throwIfAborted();
  } catch (error) {
    remote.dispose();
    throw error;
  }
  const facts = factsOf(remote, performance.now() - began);
  return {
    facts,
    infer: (input, given) => infer(remote, facts, input, { watch, timing, onRound, signal: given }),
    compare: null,
    dispose: () => {
      remote.dispose();
    },
  };
}

function factsOf({ model }: RemoteModel, openMs: number): ModelFacts {
  const { digest, name, inputs, outputs, rounds, clear, macs } = model;
  return {
    kind: 'model',
    digest,
    name,
    inputs,
    outputs,
    layout: layoutOf(model),
    rounds: rounds.map((layers) => layers.map((layer) => layer.name)),
    clear: clear.map((node) => node.name),
    macs,
    openMs,
  };
}

interface Watching {
  readonly watch: FirstExchange;
  readonly timing: ServerTiming;
  readonly onRound: (state: RoundState) => void;
  readonly signal: AbortSignal;
}

async function infer(
  remote: RemoteModel,
  { layout, rounds, outputs }: ModelFacts,
  input: Tensor,
  { watch, timing, onRound, signal }: Watching,
): Promise<ModelInferred> {
  const began = performance.now();
  const budgets: number[] = [];
  const output = await remote.infer(input, {
    signal,
    onStep: roundClock(timing, onRound),
    onNoiseBudget: (_, bits) => {
      if (bits !== null) budgets.push(bits);
    },
  });
  const { upload, response } = await watch.taken();
  return {
    kind: 'model',
    name: outputs[0]?.name ?? '',
    output: output.shape.length === 4 ? nchwOf(output, layout) : output,
    layer: rounds[0]?.[0] ?? '',
    upload: excerptOf(upload),
    response: excerptOf(response),
    budgetBits: budgets.length === 0 ? null : Math.min(...budgets),
    ms: performance.now() - began,
  };
}

/** Adds up what the steps of a round say. */
function roundClock(timing: ServerTiming, onRound: (state: RoundState) => void): (step: ModelStep) => void {
  let state: RoundState | null = null;
  let began = performance.now();
  let before = timing.totalMs;
  return (step) => {
    if (step.kind === 'segment') return;
    const { kind, round, bytes } = step;
    if (state?.round !== round) {
      began = performance.now();
      before = timing.totalMs;
      state = { round, sent: 0, received: 0, ms: 0, serverMs: 0, bytesUp: 0, bytesDown: 0 };
    }
    state =
      kind === 'sent'
        ? { ...state, sent: state.sent + 1, bytesUp: state.bytesUp + bytes }
        : { ...state, received: state.received + 1, bytesDown: state.bytesDown + bytes };
    state = { ...state, ms: performance.now() - began, serverMs: timing.totalMs - before };
    onRound(state);
  };
}

/** Keeps what goes to the first layer and what comes back, to show them. */
class FirstExchange {
  #upload: Uint8Array | null = null;
  #response: Promise<ArrayBuffer | null> = Promise.resolve(null);

  readonly fetch: Fetch;

  constructor(fetchUrl: Fetch) {
    this.fetch = async (url, init) => {
      const response = await fetchUrl(url, init);
      if (url.endsWith('/layers/0/evaluate') && response.ok) {
        this.#upload = init.body as Uint8Array;
        // An answer that breaks off is an error of the inference, told there.
        this.#response = response
          .clone()
          .arrayBuffer()
          .catch(() => null);
      }
      return response;
    };
  }

  async taken(): Promise<{ readonly upload: Uint8Array; readonly response: Uint8Array }> {
    const response = await this.#response;
    if (this.#upload === null || response === null) throw internalError('the first layer went unseen');
    return { upload: this.#upload, response: new Uint8Array(response) };
  }
}
