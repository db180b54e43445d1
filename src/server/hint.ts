import { byteRange } from './byteRange.ts';
import { sendBytes } from './exchange.ts';
import { OCTETS } from './openapi.ts';
import { layerOf } from './layers.ts';
import type { ServedPlan } from './plans.ts';
import { problem } from './problems.ts';
import type { AppContext, AppState } from './state.ts';

/** A year, the most that means anything. */
const CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** GET /v1/plans/{digest}/hint */
export function sendHint(state: AppState, context: AppContext): Response {
  const plan = state.plans.get(context.req.param('digest') ?? '');
  return plan === undefined ? problem('unknown-plan') : hintOf(state, context, plan);
}

/** GET /v1/models/{digest}/hints/{layer} */
export function sendLayerHint(state: AppState, context: AppContext): Response {
  const layer = layerOf(state, context, 'layer');
  return layer instanceof Response ? layer : hintOf(state, context, layer);
}

function hintOf(state: AppState, context: AppContext, { hint }: ServedPlan): Response {
  if (hint === null) return problem('no-hint', { detail: 'the plan is of the standard protocol' });
  const headers = { etag: hint.etag, 'cache-control': CACHE_CONTROL, 'accept-ranges': 'bytes' };
  const { req } = context;
  if (lists(req.header('if-none-match'), hint.etag)) return new Response(null, { status: 304, headers });
  const length = hint.message.length;
  if (req.method === 'HEAD') return head(length, headers);
  const ifRange = req.header('if-range');
  const isSame = ifRange === undefined || ifRange.trim() === hint.etag;
  const range = isSame ? byteRange(req.header('range'), length) : byteRange(undefined, length);
  switch (range.kind) {
    case 'unsatisfiable':
      return problem('no-such-range', {
        field: 'Range',
        expected: `bytes below ${length}`,
        headers: { 'content-range': `bytes */${length}` },
      });
    case 'all':
      return sendBytes(state, context, hint.message, { status: 200, headers: withType(headers) });
    case 'part': {
      const { start, end } = range;
      return sendBytes(state, context, hint.message.subarray(start, end), {
        status: 206,
        headers: { ...withType(headers), 'content-range': `bytes ${start}-${end - 1}/${length}` },
      });
    }
    default:
      return range satisfies never;
  }
}

function withType(headers: Readonly<Record<string, string>>): Record<string, string> {
  return { ...headers, 'content-type': OCTETS };
}

function head(length: number, headers: Readonly<Record<string, string>>): Response {
  return new Response(null, { headers: { ...withType(headers), 'content-length': String(length) } });
}

/** Whether an If-None-Match header names the tag; a weak comparison. */
function lists(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()));
}
