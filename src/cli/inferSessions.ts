import { layoutOf } from '../model/modelFlow.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { openPlan } from '../client/openPlan.ts';
import { endpointOf } from '../client/endpoint.ts';
import type { EndpointOptions } from '../client/endpoint.ts';
import { openRemoteModel } from '../client/remoteModel.ts';
import type { ModelStep } from '../client/remoteModel.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import { inLayout } from '../frontend/layouts.ts';
import { writeOutput } from '../frontend/outputs.ts';
import type { PictureRules } from '../frontend/pictureFit.ts';
import { loadInput } from '../frontend/tensors.ts';
import type { ClientModel } from '../model/clientModel.ts';
import { fitStack, readInputFiles } from '../model/modelInputs.ts';
import { stackOutputs, writeModelOutputs } from '../model/modelOutputs.ts';
import type { NamedTensors } from '../model/runFlow.ts';
import { toDoubles } from '../model/typedTensor.ts';
import type { Session } from './session.ts';
import { planInputs } from './planInputs.ts';
import { stackTensors } from './stackTensors.ts';
import type { Terminal } from './terminal.ts';

/** Bytes of messages. */
interface MessageBytes {
  readonly upload: number;
  readonly response: number;
}

/** One inference. Output: tensors by name of a model, the accumulators of a convolution. */
export interface Inferred<Output> {
  /** From the input to the output. */
  readonly ms: number;
  readonly bytes: MessageBytes;
  /** Of each layer; one for a plan. */
  readonly layers: readonly ({ readonly name: string } & MessageBytes)[];
  /** Outputs with their values, by name. */
  readonly values: () => Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>
  >;
  /** Outputs without, by name. */
  readonly shapes: () => Readonly<Record<string, { readonly shape: readonly number[] }>>;
  /** For people: the output itself where it is short. */
  readonly text: () => string;
  readonly output: Output;
}

/** Inferences against a server. */
export interface InferSession<Value> extends Session<Value, Inferred<Value>> {
  readonly kind: 'plan' | 'network' | 'model';
  readonly name: string;
  readonly digest: string;
  /** Times that something goes to the server and back. */
  readonly rounds: number;
  readonly dispose: () => void;
}

/** Where and how. */
export interface ServerOptions {
  readonly url: string;
  readonly atOnce: number;
  readonly rules: PictureRules;
  readonly io: Terminal;
}

interface Values {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Values of an output that are still printed. */
const MOST_PRINTED = 20;

export function described(
  outputs: ReadonlyMap<string, Values>,
): Pick<Inferred<unknown>, 'values' | 'shapes' | 'text'> {
  return {
    values: () =>
      Object.fromEntries(
        [...outputs].map(([name, { shape, data }]) => [name, { shape, data: Array.from(data) }]),
      ),
    shapes: () => Object.fromEntries([...outputs].map(([name, { shape }]) => [name, { shape }])),
    text: () =>
      [...outputs]
        .map(([name, { shape, data }]) => {
          const values = Array.from(data).map((value) => Number(value.toPrecision(7)));
          const found = values.length <= MOST_PRINTED ? values.join(', ') : `${values.length} values`;
          return `${outputs.size > 1 ? `${name} ` : ''}[${shape.join(', ')}] ${found}`;
        })
        .join('; '),
  };
}

/** Says what is waited for. */
export function tellingOf(io: Terminal): EndpointOptions {
  return {
    onUnanswered: () => {
      io.notice('the server does not answer; trying again');
    },
  };
}

/** A whole model at a server. */
export function modelSession(
  model: ClientModel,
  { url, atOnce, rules, io }: ServerOptions,
): InferSession<NamedTensors> {
  const remote = openRemoteModel(model, url, tellingOf(io));
  const infer = async (input: NamedTensors): Promise<Inferred<NamedTensors>> => {
    const layers = new Map<number, { name: string; upload: number; response: number }>();
    const onStep = (step: ModelStep): void => {
      if (step.kind === 'segment') return;
      const { layer, index, bytes, kind, round } = step;
      const entry = layers.get(index) ?? { name: layer, upload: 0, response: 0 };
      layers.set(index, entry);
      if (kind === 'sent') {
        entry.upload += bytes;
        if (atOnce === 1) io.progress(layer, round + 1, model.rounds.length);
      } else entry.response += bytes;
    };
    const began = performance.now();
    const outputs = await remote.inferNamed(input, { onStep });
    const ms = performance.now() - began;
    const list = [...layers].sort(([left], [right]) => left - right).map(([, layer]) => layer);
    const dense = new Map(
      [...outputs].map(([name, t]) => [name, { shape: t.shape, data: toDoubles(t, name) }]),
    );
    return { ms, bytes: totals(list), layers: list, output: outputs, ...described(dense) };
  };
  return {
    kind: 'model',
    name: model.name,
    digest: model.digest,
    rounds: model.rounds.length,
    atOnce,
    load: async (files) => fitStack(model, await readInputFiles(model.inputs, files), io.notice, rules),
    infer,
    write: (path, outputs) =>
      writeModelOutputs(
        path,
        { outputs: stackOutputs(outputs.map(({ output }) => output)), layout: layoutOf(model) },
        io.notice,
      ),
    dispose: () => {
      remote.dispose();
    },
  };
}

function totals(layers: readonly MessageBytes[]): MessageBytes {
  return {
    upload: layers.reduce((sum, { upload }) => sum + upload, 0),
    response: layers.reduce((sum, { response }) => sum + response, 0),
  };
}

/** One convolution at a server. */
export async function planSession(
  plan: ClientPlan,
  { url, atOnce, rules, io }: ServerOptions,
): Promise<InferSession<Tensor>> {
  const { view, layout, digest } = plan;
  const { name } = view.shape;
  const endpoint = endpointOf(url, `v1/plans/${digest}`, tellingOf(io));
  const remote = await openPlan(plan, { endpoint, hint: { endpoint, path: '/hint' } }, {});
  return {
    kind: 'plan',
    name,
    digest,
    rounds: 1,
    atOnce,
    load: async ([file = '']) => planInputs(await loadInput(file), view.shape, layout, rules, io.notice),
    infer: async (input) => {
      const bytes = { upload: 0, response: 0 };
      const began = performance.now();
      const output = await remote.infer(input, {
        onStep: ({ kind, bytes: { length } }) => {
          if (kind === 'answered') bytes.response += length;
          else bytes.upload += length;
        },
      });
      const ms = performance.now() - began;
      const outside = inLayout(output, layout);
      return {
        ms,
        bytes,
        layers: [{ name, ...bytes }],
        output,
        ...described(new Map([['output', outside]])),
      };
    },
    write: (path, outputs) =>
      writeOutput(path, stackTensors(outputs.map(({ output }) => output)), layout, io.notice),
    dispose: () => {
      remote.dispose();
    },
  };
}
