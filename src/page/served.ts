import { z } from 'zod';
import { ServerError } from '../client/index.ts';
import type { Fetch } from '../client/index.ts';
import type { ServedEntry } from './messages.ts';

/** What a server lists. */

const entry = { digest: z.string(), name: z.string() };
const planList = z.object({
  plans: z.array(z.object({ ...entry, kind: z.literal('network').optional() })),
});
const modelList = z.object({ models: z.array(z.object({ ...entry, clientPlan: z.boolean() })) });

export async function listServed(
  server: string,
  fetchUrl: Fetch,
  signal: AbortSignal,
): Promise<readonly ServedEntry[]> {
  const asked = { fetchUrl, signal };
  const { plans } = await list(new URL('v1/plans', server), planList, asked);
  const { models } = await list(new URL('v1/models', server), modelList, asked);
  // A model whose client plan the server does not hand out is for those who have it from elsewhere.
  const open = models.filter(({ clientPlan }) => clientPlan);
  const served = [
    ...plans.map(({ digest, name, kind }) => ({ kind: kind ?? ('plan' as const), digest, name })),
    ...open.map(({ digest, name }) => ({ kind: 'model', digest, name }) as const),
  ];
  if (served.length === 0) throw new Error('it serves nothing that a page can use');
  return served;
}

interface Asking {
  readonly fetchUrl: Fetch;
  readonly signal: AbortSignal;
}

async function list<T>(url: URL, schema: z.ZodType<T>, { fetchUrl, signal }: Asking): Promise<T> {
  const response = await fetchUrl(url.href, { signal, redirect: 'error' }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new ServerError({ message: 'the server does not answer' }, null, null, { cause: error });
  });
  if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
  const found = schema.safeParse(await response.json().catch(() => null));
  if (!found.success) throw new Error('what it answers is no list of plans');
  return found.data;
}
