import { CipherconvError } from '../../compiler/base/errors.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { hintMessage } from '../server/hintMessage.ts';
import { createPlanServer } from '../server/planServer.ts';
import type { PlanServer } from '../server/planServer.ts';
import type { Served } from './serving.ts';
import type { WireAnswer, WireRequest } from './wire.ts';

/** One convolution that is served: by itself, or a layer of a model. */
interface ServedLayer {
  readonly server: PlanServer;
  /** Null for the standard protocol. */
  readonly hint: Uint8Array<ArrayBuffer> | null;
}

type Answered = Omit<WireAnswer, 'id'>;

/** The part of the interface of `cipherconv serve` that clients of one plan or model use. */
export class PlaygroundServer {
  #served: Served | null = null;
  #layers: readonly ServedLayer[] = [];
  /** The client's evaluation keys, by the id that they were given. */
  readonly #keys = new Map<string, Uint8Array>();

  /** Serves something else from now on; computes its hints. */
  async serve(served: Served): Promise<void> {
    for (const { server } of this.#layers) server.dispose();
    this.#layers = [];
    this.#served = null;
    this.#keys.clear();
    const stored = served.kind === 'plan' ? [served.stored] : served.layers;
    const layers: ServedLayer[] = [];
    for (const plan of stored) layers.push(await openLayer(plan));
    this.#layers = layers;
    this.#served = served;
  }

  async answer(request: WireRequest): Promise<WireAnswer> {
    return { id: request.id, ...(await this.#answer(request)) };
  }

  async #answer(request: WireRequest): Promise<Answered> {
    try {
      return await Promise.resolve(this.#route(request));
    } catch (error) {
      if (error instanceof CipherconvError) return problem(400, 'malformed', error.message);
      // As at a server: what failed within SEAL is not told.
      return problem(500, 'internal', 'the evaluation failed');
    }
  }

  #route(request: WireRequest): Answered {
    const [version, things, digest, ...rest] = request.path.slice(1).split('/');
    const served = this.#served;
    if (version !== 'v1' || served === null) return problem(404, 'not-found', 'nothing is served');
    if (digest === undefined) return list(things ?? '', served);
    const isModel = things === 'models';
    const own = served.kind === 'plan' ? served.stored.digest : served.digest;
    if (own !== digest || isModel !== (served.kind === 'model'))
      return problem(404, isModel ? 'unknown-model' : 'unknown-plan', 'no such plan is served');
    if (rest.length === 0) return json(clientTextOf(served, this.#layers));
    if (!isModel) return this.#layer(0, rest, request);
    const [what, index = '', ...action] = rest;
    if (what === 'hints') return this.#layer(Number(index), ['hint'], request);
    return what === 'layers' ? this.#layer(Number(index), action, request) : unknown();
  }

  #layer(index: number, [action]: readonly string[], request: WireRequest): Answered {
    const layer = this.#layers[index];
    if (layer === undefined) return unknown();
    const { method, body } = request;
    if (method === 'GET' && action === 'hint' && layer.hint !== null) return octets(layer.hint);
    if (method === 'PUT' && action === 'evaluation-keys' && body !== null)
      return this.#keep(layer.server, body);
    if (method === 'POST' && action === 'evaluate' && body !== null)
      return this.#evaluate(layer, body, request);
    return unknown();
  }

  #keep(server: PlanServer, keys: Uint8Array): Answered {
    server.checkEvaluationKeys(keys);
    const id = `keys-${this.#keys.size}`;
    this.#keys.set(id, keys);
    return { ...json(JSON.stringify({ id })), status: 201 };
  }

  #evaluate({ server }: ServedLayer, upload: Uint8Array, { headers }: WireRequest): Answered {
    const id = headers['cipherconv-evaluation-keys'];
    const keys = id === undefined ? undefined : this.#keys.get(id);
    if (id !== undefined && keys === undefined)
      return problem(404, 'unknown-evaluation-keys', 'no such evaluation keys');
    const began = performance.now();
    const response = server.evaluate(upload, keys) as Uint8Array<ArrayBuffer>;
    const ms = performance.now() - began;
    const answer = octets(response);
    return { ...answer, headers: { ...answer.headers, 'server-timing': `evaluate;dur=${ms.toFixed(3)}` } };
  }
}

async function openLayer(stored: StoredPlan): Promise<ServedLayer> {
  const server = await createPlanServer(stored);
  return { server, hint: stored.hint === null ? null : await hintMessage(stored) };
}

function clientTextOf(served: Served, [first]: readonly ServedLayer[]): string {
  return served.kind === 'model' ? served.clientText : (first?.server.clientPlanText ?? '');
}

function list(things: string, served: Served): Answered {
  const { kind } = served;
  const entries =
    served.kind === 'plan'
      ? [{ digest: served.stored.digest, name: served.stored.plan.spec.name }]
      : [{ digest: served.digest, name: served.name, clientPlan: true }];
  return json(JSON.stringify({ [things]: things === `${kind}s` ? entries : [] }));
}

function octets(body: Uint8Array<ArrayBuffer>): Answered {
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
}

function json(body: string): Answered {
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

function unknown(): Answered {
  return problem(404, 'not-found', 'no such address');
}

function problem(status: number, kind: string, title: string): Answered {
  const body = JSON.stringify({ type: `urn:cipherconv:problem:${kind}`, title });
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}
