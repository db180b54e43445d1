import { CipherconvError } from '../../compiler/base/errors.ts';
import { parseJson } from '../frontend/positions.ts';
import { displayName, readText } from '../frontend/files.ts';
import { looksLikeModelPlan, parsePlan } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { clientModelOf } from '../model/clientModelOf.ts';
import { encodeClientModel, looksLikeClientModel } from '../model/clientModelFile.ts';
import { parseModelPlan } from '../model/modelPlanFile.ts';
import { readModelParts } from '../model/modelParts.ts';
import { looksLikeServerModel, serverModelOf } from '../model/serverModel.ts';
import type { ServerModel } from '../model/serverModel.ts';
import { looksLikeClientNetwork } from '../network/clientNetwork.ts';
import { looksLikeNetworkPlan } from '../network/networkPlan.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { parseNetworkPlan } from '../network/networkPlanFile.ts';
import type { HintObserver } from './hintThreads.ts';
import type { Log } from './log.ts';
import { isNetwork, servedPlans } from './plans.ts';
import type { ServedPlan, ServedPlans } from './plans.ts';

/**
 * Whole models on a server: their layers are plans like any other, known by their position. What the client computes is
 * text to hand out here, never read.
 */

/** A model as it is given to a server. */
export interface ModelToServe {
  /** The plans of its layers. */
  readonly server: ServerModel;
  /** The client plan file; null where it is not handed out. */
  readonly clientText: string | null;
}

/** What a server is to serve. */
export interface ToServe {
  /** Of convolutions, and of networks of one round. */
  readonly plans: readonly (StoredPlan | StoredNetwork)[];
  readonly models: readonly ModelToServe[];
  /** The file of every plan and layer that was read from one, by digest. */
  readonly files?: ReadonlyMap<string, string>;
}

/** A model that is served. */
export interface ServedModel {
  readonly digest: string;
  /** Name of the graph. */
  readonly name: string;
  /** The client plan file, encoded once; null where it is not handed out. */
  readonly clientPlanBytes: Uint8Array<ArrayBuffer> | null;
  /** In the order in which they run: the index in a path is the position here. */
  readonly layers: readonly ServedPlan[];
}

/** The models by digest, in the order in which they were given. */
export type ServedModels = ReadonlyMap<string, ServedModel>;

/** Plans and models as they are served. */
export interface Served {
  /** Single plans. */
  readonly plans: ServedPlans;
  readonly models: ServedModels;
  /** Everything that can be evaluated: single plans, and the layers of models. */
  readonly all: ServedPlans;
}

/** How everything that is served is made ready. */
export interface ServeOptions {
  /** Threads that may compute hints. */
  readonly threads: number;
  readonly log: Log;
}

/**
 * Computes the hints, and logs each.
 * @throws CipherconvError `plan-rejected` for a plan whose hint is another one than it says, naming its file where it has one.
 */
export async function serve(
  { plans, models, files = new Map() }: ToServe,
  { threads, log }: ServeOptions,
): Promise<Served> {
  const ofModels = models.flatMap(({ server }) => server.layers);
  const everything = [...plans, ...ofModels];
  const total = new Set(everything.flatMap((stored) => (hasHint(stored) ? [stored.digest] : []))).size;
  let done = 0;
  const onHint: HintObserver = ({ digest, plan }, bytes, ms) => {
    done++;
    const { name } = plan.spec;
    log('info', { event: 'hint', digest, name, bytes, ms: Math.round(ms), done, total });
  };
  const all = await servedPlans(everything, { threads, onHint, files });
  const single = new Map(plans.flatMap(({ digest }) => served(all, digest)));
  return {
    plans: single,
    models: new Map(models.map((model) => [model.server.digest, servedModel(model, all)] as const)),
    all,
  };
}

function hasHint(stored: StoredPlan | StoredNetwork): boolean {
  return !isNetwork(stored) && stored.hint !== null;
}

/** The entry of a plan. */
function served(all: ServedPlans, digest: string): [string, ServedPlan][] {
  const plan = all.get(digest);
  return plan === undefined ? [] : [[digest, plan]];
}

function servedModel({ server, clientText }: ModelToServe, plans: ServedPlans): ServedModel {
  const { digest, name, layers } = server;
  return {
    digest,
    name,
    clientPlanBytes: clientText === null ? null : new TextEncoder().encode(clientText),
    layers: layers.flatMap((layer) => plans.get(layer.digest) ?? []),
  };
}

/**
 * A compiled model as servers take it.
 * @param clientText the client plan file that is handed out, as `encodeClientModel` writes it; null: it is not
 */
export function modelToServe(server: ServerModel, clientText: string | null): ModelToServe {
  return { server, clientText };
}

/**
 * Reads plan files and files of models, and proves every plan.
 * @throws CipherconvError naming the file: `unreadable`, or as their readers do; `usage` for a plan or model given twice, and
 * for a client plan.
 */
export async function loadServed(files: readonly string[]): Promise<ToServe> {
  const plans: (StoredPlan | StoredNetwork)[] = [];
  const models: ModelToServe[] = [];
  const known = new Set<string>();
  const origins = new Map<string, string>();
  for (const file of files) {
    const read = readServed(await readText(file), file);
    const digest = 'server' in read ? read.server.digest : read.digest;
    if (known.has(digest)) throw givenTwice(file, digest);
    known.add(digest);
    if ('server' in read) models.push(read);
    else plans.push(read);
    for (const { digest: ofPart } of 'server' in read ? read.server.layers : [read])
      origins.set(ofPart, displayName(file));
  }
  return { plans, models, files: origins };
}

function readServed(text: string, path: string): StoredPlan | StoredNetwork | ModelToServe {
  const file = displayName(path);
  const value = parseJson(text, file);
  if (looksLikeModelPlan(value)) {
    const plan = parseModelPlan(text, file);
    return { server: serverModelOf(plan, null), clientText: encodeClientModel(clientModelOf(plan)) };
  }
  if (looksLikeNetworkPlan(value)) return parseNetworkPlan(text, file);
  if (looksLikeServerModel(value)) {
    const { server, client } = readModelParts(text, path);
    return { server, clientText: client?.text ?? null };
  }
  if (looksLikeClientModel(value) || looksLikeClientNetwork(value)) {
    throw new CipherconvError({
      code: 'usage',
      where: file,
      message: 'the client plan of a model or network has no weights to compute with',
      expected: "the server's part, or the whole model's plan",
      hint: 'compile MODEL -o FILE --client-plan CLIENT writes both; serve FILE hands CLIENT out by itself',
    });
  }
  return parsePlan(text, file);
}

function givenTwice(file: string, digest: string): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    where: displayName(file),
    message: 'the same plan was given before',
    found: `digest ${digest}`,
  });
}
