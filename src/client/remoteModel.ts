import { CipherconvError, disposedError, internalError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { checkInferenceCount } from '../../runtime/client/checkCount.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { CLIENT_GRAPH_LIMITS, Meter } from '../interpreter/meter.ts';
import type { ClientLayer, ClientModel } from '../model/clientModel.ts';
import { layerInput, layerOutput } from '../model/layerTensors.ts';
import { layersOf } from '../model/modelFlow.ts';
import { ClearSegments, runFlow } from '../model/runFlow.ts';
import type { NamedTensors } from '../model/runFlow.ts';
import { toDoubles, typedTensor, requireCrossing } from '../model/typedTensor.ts';
import type { TypedTensor } from '../model/typedTensor.ts';
import type { Contact } from './contact.ts';
import { contactOf, endpointOf } from './endpoint.ts';
import type { EndpointOptions } from './endpoint.ts';
import { requireNamedTensors, requireOptions, requireTensor } from './given.ts';
import { inOrder } from './inOrder.ts';
import { openPlan } from './openPlan.ts';
import type { HintOptions } from './openPlan.ts';
import type { ManyOptions } from './inOrder.ts';
import type { RemotePlan } from './remotePlan.ts';

export { MAX_CLIENT_MODEL_LENGTH, parseClientModel } from '../model/clientModelFile.ts';

/** What happens in an inference of a model. */
export type ModelStep =
  | {
      /** The client computes what is between two rounds. */
      readonly kind: 'segment';
      /** Which, from 0. */
      readonly segment: number;
    }
  | {
      /** A layer's input was encrypted and is on its way, or its result came back. */
      readonly kind: 'sent' | 'received';
      /** Name of the layer. */
      readonly layer: string;
      /** Position of the layer, from 0. */
      readonly index: number;
      /** Position of its round, from 0. */
      readonly round: number;
      /** Bytes of the message. */
      readonly bytes: number;
    };

/** Of one inference of a model. */
export interface ModelInferOptions {
  /** Aborts it between two parts, and its requests. */
  readonly signal?: AbortSignal;
  /** Told how many of the rounds are done, and of how many. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of every step. */
  readonly onStep?: (step: ModelStep) => void;
  /**
   * Told the noise budget that the answer of a layer has left, bits, as `onNoiseBudget` of `RemotePlan.infer`: for the client's
   * eyes alone. `index` is the position of the layer, from 0.
   */
  readonly onNoiseBudget?: (index: number, bits: number | null) => void;
}

/** A client of a model that is served over HTTP: rounds go to the server, all between them is computed here. */
export interface RemoteModel extends DisposableHandle {
  /** The discriminant: a whole model. */
  readonly kind: 'model';
  /** The client plan of the model. */
  readonly model: ClientModel;
  /**
   * A whole inference of a model with one input and one output: the input in the shape that the model declares, the output
   * as doubles.
   * @throws CipherconvError `usage` for a model with several inputs or outputs; `shape-mismatch` or `out-of-range` for an
   * input that the model does not take; ServerError; the signal's reason when it aborts.
   */
  infer(input: Tensor, options?: ModelInferOptions): Promise<Tensor>;
  /**
   * A whole inference: inputs and outputs by the names that the model gives them.
   * @throws CipherconvError as above
   */
  inferNamed(inputs: NamedTensors, options?: ModelInferOptions): Promise<NamedTensors>;
  /** `infer` of one input after the other, the outputs in the same order, several under way at a time. */
  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options?: ManyOptions,
  ): AsyncGenerator<Tensor, void, undefined>;
  /** Fetches the hints and makes the keys of all layers, which the first inference would do otherwise. */
  warm(): Promise<void>;
  /**
   * `warm`, and then what the next `inputs` inferences need of every layer before their inputs are there: with hints
   * one-time keys, otherwise encryptions of zero. Blocks the thread for a layer at a time.
   * @throws CipherconvError `unsupported` for a model with diagonals plans; `usage` for what is no whole number from 0 to 1,000; as `connectModel` does; ServerError.
   */
  prepare(inputs: number): Promise<void>;
}

/** Whom a layer tells of itself. */
interface LayerListener {
  readonly tell: (kind: 'sent' | 'received', index: number, bytes: number) => void;
  readonly onNoiseBudget: ModelInferOptions['onNoiseBudget'];
  readonly signal: AbortSignal | undefined;
}

class HttpRemoteModel implements RemoteModel {
  readonly kind = 'model';
  readonly model: ClientModel;
  readonly #layers: readonly ClientLayer[];
  readonly #open: (index: number) => Promise<RemotePlan>;
  readonly #remotes = new Map<number, Promise<RemotePlan>>();
  readonly #segments = new ClearSegments(true);
  #isDisposed = false;

  constructor(model: ClientModel, open: (layer: ClientLayer, index: number) => Promise<RemotePlan>) {
    this.model = model;
    this.#layers = layersOf(model);
    this.#open = (index) => open(this.#layers[index]!, index);
  }

  async infer(input: Tensor, options: ModelInferOptions = {}): Promise<Tensor> {
    requireTensor(input);
    requireOptions(options);
    const [port, output] = this.#onlyPorts();
    const { type, shape, name } = port;
    const typed = typedTensor(requireCrossing(type, name), shape ?? input.shape, input.data, name);
    const result = await this.inferNamed(new Map([[name, typed]]), options);
    const found = result.get(output.name);
    if (found === undefined) throw internalError(`the output ${output.name} is missing`);
    return { shape: found.shape, data: toDoubles(found, output.name) };
  }

  async inferNamed(inputs: NamedTensors, options: ModelInferOptions = {}): Promise<NamedTensors> {
    this.#requireOpen();
    requireNamedTensors(inputs);
    requireOptions(options);
    const { signal, onProgress, onStep, onNoiseBudget } = options;
    const total = this.model.rounds.length;
    let round = 0;
    let first = 0;
    onProgress?.(0, total);
    const { outputs } = await runFlow(this.model, inputs, this.#segments, {
      signal,
      meter: new Meter(CLIENT_GRAPH_LIMITS),
      keepsActivations: false,
      onSegment: (segment) => onStep?.({ kind: 'segment', segment }),
      round: async (layers, take) => {
        const [at, from] = [round, first];
        const tell = (kind: 'sent' | 'received', index: number, bytes: number): void =>
          onStep?.({ kind, layer: layers[index - from]!.name, index, round: at, bytes });
        const made = await allOf(
          layers.map((layer, position) =>
            this.#layer(layer, from + position, take, { tell, onNoiseBudget, signal }),
          ),
        );
        round++;
        first += layers.length;
        onProgress?.(round, total);
        return made;
      },
    });
    return outputs;
  }

  inferMany(
    inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
    options: ManyOptions = {},
  ): AsyncGenerator<Tensor, void, undefined> {
    const { signal } = options;
    return inOrder(inputs, (input) => this.infer(input, signal === undefined ? {} : { signal }), options);
  }

  async warm(): Promise<void> {
    for (const index of this.#layers.keys()) await this.#remote(index);
  }

  async prepare(inputs: number): Promise<void> {
    this.#requireOpen();
    checkInferenceCount(inputs);
    await this.warm();
    for (const index of this.#layers.keys()) {
      const remote = await this.#remote(index);
      this.#requireOpen();
      remote.prepare(inputs);
      await eventLoopTurn();
    }
  }

  async #layer(
    layer: ClientLayer,
    index: number,
    take: (name: string) => TypedTensor,
    { tell, onNoiseBudget, signal }: LayerListener,
  ): Promise<TypedTensor> {
    const { shape, windows } = layer.client.view;
    const input = layerInput(layer, shape, take(layer.input.tensor));
    const remote = await this.#remote(index);
    const accumulators = await remote.infer(input, {
      ...(signal === undefined ? {} : { signal }),
      onStep: ({ kind, bytes }) => {
        tell(kind === 'answered' ? 'received' : 'sent', index, bytes.length);
      },
      ...(onNoiseBudget === undefined
        ? {}
        : {
            onNoiseBudget: (bits) => {
              onNoiseBudget(index, bits);
            },
          }),
    });
    // What an output without any tap is: the accumulator's window lies that far from the residue's.
    const bias = windows.low.map((low, channel) => low - windows.residueLow[channel]!);
    return layerOutput(layer, bias, accumulators);
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw disposedError('client');
  }

  #remote(index: number): Promise<RemotePlan> {
    const known = this.#remotes.get(index);
    if (known !== undefined) return known;
    const opening = this.#open(index);
    this.#remotes.set(index, opening);
    opening.catch(() => this.#remotes.delete(index));
    return opening;
  }

  #onlyPorts(): readonly [ClientModel['inputs'][number], ClientModel['outputs'][number]] {
    const { inputs, outputs } = this.model;
    const [input, output] = [inputs[0], outputs[0]];
    if (inputs.length === 1 && outputs.length === 1 && input !== undefined && output !== undefined)
      return [input, output];
    const names = (ports: typeof inputs): string => ports.map(({ name }) => JSON.stringify(name)).join(', ');
    throw new CipherconvError({
      code: 'usage',
      where: this.model.name,
      message: 'the model has several inputs or outputs',
      expected: `inferNamed with ${names(inputs)}, which gives ${names(outputs)}`,
    });
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const opening of this.#remotes.values()) {
      opening.then(
        (remote) => {
          remote.dispose();
        },
        () => undefined,
      );
    }
    this.#remotes.clear();
    this.#segments.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Lets whatever else waits go on; in browsers too. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/** All of them, or the first failure when every one of them has ended: nothing goes on behind an error. */
async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(works);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/**
 * A client of a model at a server. Keys of a layer are made when it is first needed, and kept.
 * @param model the client plan, which `parseClientModel` has checked
 * @throws CipherconvError `usage` for what is no address of a server
 */
export function openRemoteModel(
  model: ClientModel,
  url: string | URL,
  options: EndpointOptions & HintOptions = {},
  contact: Contact = contactOf(options),
): RemoteModel {
  const endpoint = (index: number): ReturnType<typeof endpointOf> =>
    endpointOf(url, `v1/models/${model.digest}/layers/${index}`, options, contact);
  const whole = endpointOf(url, `v1/models/${model.digest}`, options, contact);
  const { hintCache } = options;
  const hints = hintCache === undefined ? {} : { hintCache };
  return new HttpRemoteModel(model, ({ client }, index) =>
    openPlan(
      client,
      { endpoint: endpoint(index), hint: { endpoint: whole, path: `/hints/${index}` } },
      hints,
    ),
  );
}
