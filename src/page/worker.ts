import { z } from 'zod';
import { connectPlan } from '../client/index.ts';
import type { RemotePlan } from '../client/index.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { compareWithConfig } from './comparison.ts';
import { excerptOf } from './excerpt.ts';
import { openModel } from './modelWorker.ts';
import type { ModelSession } from './modelWorker.ts';
import type {
  Answer,
  Facts,
  FromWorker,
  Inferred,
  PlanFacts,
  Question,
  ServedEntry,
  Step,
  ToWorker,
} from './messages.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';

/** The worker of the page: it alone holds the secret key, encrypts and decrypts, and talks to the server. */

/** What is open, and what came last of it. */
interface Session {
  readonly remote: RemotePlan;
  /** NCHW, both. */
  last: { readonly input: Tensor; readonly output: Tensor } | null;
}

let modelSession: ModelSession | null = null;
let session: Session | null = null;
let cancelling = new AbortController();

function tell(message: FromWorker): void {
  postMessage(message);
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'cancel') {
    cancelling.abort();
    return;
  }
  const { id } = data;
  // Whoever asks for another plan no longer wants the one before, nor anything of it.
  if (data.kind === 'open') cancelling.abort();
  cancelling = new AbortController();
  const { signal } = cancelling;
  answer(data, signal).then(
    (found) => {
      tell({ kind: 'answer', id, answer: found });
    },
    (error: unknown) => {
      if (signal.aborted) tell({ kind: 'refusal', id, refusal: { kind: 'cancelled' } });
      else tell({ kind: 'refusal', id, refusal: { kind: 'failed', text: textOf(error) } });
    },
  );
});

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // SEAL's exceptions are no Errors, and what they say is for its developers.
  return 'the cryptography failed in this browser; reload the page';
}

async function answer(question: Question, signal: AbortSignal): Promise<Answer> {
  switch (question.kind) {
    case 'list':
      return await listServed(question.server, signal);
    case 'open':
      return await open(question, signal);
    case 'infer':
      return await infer(question.input, signal);
    case 'infer-model':
      if (modelSession === null) throw internalError('no model is open');
      return await modelSession.infer(question.input, signal);
    case 'compare': {
      const last = session?.last;
      if (session === null || last == null) throw internalError('nothing to compare yet');
      return compareWithConfig(session.remote.plan, last, question.files);
    }
    default:
      return question satisfies never;
  }
}

const entry = { digest: z.string(), name: z.string() };
const planList = z.object({ plans: z.array(z.object(entry)) });
const modelList = z.object({ models: z.array(z.object({ ...entry, clientPlan: z.boolean() })) });

async function listServed(server: string, signal: AbortSignal): Promise<readonly ServedEntry[]> {
  const { plans } = await list(new URL('v1/plans', server), planList, signal);
  const { models } = await list(new URL('v1/models', server), modelList, signal);
  // A model whose client plan the server does not hand out is for those who have it from elsewhere.
  const open = models.filter(({ clientPlan }) => clientPlan);
  const served = [
    ...plans.map(({ digest, name }) => ({ kind: 'plan', digest, name }) as const),
    ...open.map(({ digest, name }) => ({ kind: 'model', digest, name }) as const),
  ];
  if (served.length === 0) throw new Error('it serves nothing that a page can use');
  return served;
}

async function list<T>(url: URL, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const response = await fetch(url, { signal, redirect: 'error' });
  if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
  const found = schema.safeParse(await response.json().catch(() => null));
  if (!found.success) throw new Error('what it answers is no list of plans');
  return found.data;
}

async function open(
  { server, digest, served }: Extract<Question, { kind: 'open' }>,
  signal: AbortSignal,
): Promise<Facts> {
  session?.remote.dispose();
  session = null;
  modelSession?.dispose();
  modelSession = null;
  if (served === 'plan') return openPlan(server, digest, signal);
  const opened = await openModel(server, digest, signal, (state) => {
    tell({ kind: 'round', state });
  });
  if (signal.aborted) opened.dispose();
  signal.throwIfAborted();
  modelSession = opened;
  return opened.facts;
}

async function openPlan(server: string, digest: string, signal: AbortSignal): Promise<PlanFacts> {
  const began = performance.now();
  const remote = await connectPlan(server, digest, { signal });
  if (signal.aborted) {
    remote.dispose();
  }
  signal.throwIfAborted();
  session = { remote, last: null };
  const { plan, client } = remote;
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
    openMs: performance.now() - began,
  };
}

async function infer(input: Tensor, signal: AbortSignal): Promise<Inferred> {
  if (session === null) throw internalError('no plan is open');
  const current = session;
  current.last = null;
  const { client } = current.remote;
  const clock = stepClock();
  const messages: Uint8Array[] = [];
  const output = await current.remote.infer(input, {
    signal,
    onStep: ({ kind, bytes }) => {
      if (kind === 'encrypted') clock('encrypt', 0, 0);
      else if (kind === 'keys-sent') clock('send keys', bytes.length, 0);
      else clock('send and evaluate', client.uploadBytes, bytes.length);
      if (kind !== 'keys-sent') messages.push(bytes);
    },
  });
  clock('decrypt', 0, 0);
  current.last = { input, output };
  const [upload, response] = messages;
  if (upload === undefined || response === undefined) throw internalError('a step went unseen');
  return { output, upload: excerptOf(upload), response: excerptOf(response) };
}

/** Tells of each step when it ends; the next begins there. */
function stepClock(): (name: Step['name'], bytesUp: number, bytesDown: number) => void {
  let began = performance.now();
  return (name, bytesUp, bytesDown) => {
    const now = performance.now();
    tell({ kind: 'step', step: { name, ms: now - began, bytesUp, bytesDown } });
    began = now;
  };
}
