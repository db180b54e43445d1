import { createRoute, z } from '@hono/zod-openapi';
import { VERSION } from '../version.ts';
import { PROBLEM_TYPE } from './problems.ts';

/** The HTTP interface as data: what the server serves is registered from here, and so is /openapi.json. */

export const OCTETS = 'application/octet-stream';
/** Names evaluation keys that were uploaded before. */
export const KEYS_HEADER = 'Cipherconv-Evaluation-Keys';

const problemSchema = z
  .object({
    type: z.string().meta({ description: 'A URN that names the kind of problem' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    field: z.string().optional().meta({ description: 'Which field of the request is wrong' }),
    expected: z.string().optional(),
    found: z.string().optional(),
  })
  .openapi('Problem');

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .openapi({ param: { name: 'digest', in: 'path' }, description: 'The digest of the plan' });
const bytes = z.string().openapi({ format: 'binary' });
const params = z.object({ digest });
const index = (name: string): z.ZodString =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,5})$/)
    .openapi({ param: { name, in: 'path' }, description: 'The position of the layer, from 0' });
const layerParams = z.object({ digest, index: index('index') });

const REASONS = {
  400: 'Malformed; `field` says which field',
  403: 'Another Host than the server goes by, or a web page from elsewhere',
  404: 'Unknown plan, model or layer, unknown or expired evaluation keys, or a plan without a hint',
  408: 'The body came too slowly',
  413: 'The body is too large',
  416: 'None of the bytes of the range is there',
  415: 'Not application/octet-stream without content encoding',
  429: 'Too many requests from this address; Retry-After says when',
  500: 'The evaluation failed; the worker was replaced',
  503: 'Busy, shutting down, or the worker was lost: the same request may be sent again after Retry-After',
  504: 'The evaluation did not end in time',
} as const;

type Status = keyof typeof REASONS;

function problems(
  ...statuses: Status[]
): Record<number, { description: string; content: Record<string, { schema: typeof problemSchema }> }> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: REASONS[status], content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
    ]),
  );
}

const octets = (
  description: string,
): { description: string; content: Record<string, { schema: typeof bytes }> } => ({
  description,
  content: { [OCTETS]: { schema: bytes } },
});

const json = <T extends z.ZodType>(
  description: string,
  schema: T,
): { description: string; content: { 'application/json': { schema: T } } } => ({
  description,
  content: { 'application/json': { schema } },
});

/** What plans and layers have in common. */
const EVALUATE = {
  method: 'post',
  description: 'The same upload gives the same response: it is safe to send a request again.',
  request: {
    headers: z.object({
      [KEYS_HEADER]: z
        .string()
        .optional()
        .meta({ description: 'Id of evaluation keys, where the plan needs some' }),
    }),
    body: { required: true, ...octets('An upload message of exactly the length that the plan says') },
  },
  responses: {
    200: octets('A response message; Server-Timing says how long it waited and was computed'),
    ...problems(400, 403, 404, 408, 413, 415, 429, 500, 503, 504),
  },
} as const;

const STORE_KEYS = {
  method: 'put',
  request: { body: { required: true, ...octets('An evaluation keys message') } },
  responses: {
    201: json('Held until nobody has used them for a while', z.object({ id: z.string() })),
    ...problems(400, 403, 404, 408, 413, 415, 429, 503),
  },
} as const;

const HINT = {
  method: 'get',
  summary: 'What the weights make of the public polynomials: clients of plans with hints download it once',
  description:
    'The same bytes for everybody, for ever: `ETag` is the hash that the client plan says. A single range of bytes may ' +
    'be asked for, with If-Range.',
  request: {
    headers: z.object({
      Range: z.string().optional().meta({ description: 'One range: `bytes=FIRST-LAST`' }),
      'If-Range': z.string().optional().meta({ description: 'The ETag that the range is of' }),
      'If-None-Match': z.string().optional().meta({ description: 'The ETag of what is held already' }),
    }),
  },
  responses: {
    200: octets('A hint message'),
    206: octets('The range of it'),
    304: { description: 'It is held already' },
    ...problems(403, 404, 416, 429, 503),
  },
} as const;

export const ROUTES = {
  health: createRoute({
    method: 'get',
    path: '/healthz',
    summary: 'Whether requests can be evaluated',
    responses: {
      200: json('Ready', z.object({ status: z.literal('ok') })),
      ...problems(403, 503),
    },
  }),
  plans: createRoute({
    method: 'get',
    path: '/v1/plans',
    summary: 'The plans that are served',
    responses: {
      200: json(
        'Plans of convolutions, and of networks of one round, which say so',
        z.object({
          plans: z.array(
            z.object({ digest: z.string(), name: z.string(), kind: z.literal('network').optional() }),
          ),
        }),
      ),
      ...problems(403, 429),
    },
  }),
  plan: createRoute({
    method: 'get',
    path: '/v1/plans/{digest}',
    summary: 'The client plan: what encryption and decryption need, and no weights',
    request: { params },
    responses: {
      200: json('A client plan file', z.object({}).loose()),
      ...problems(403, 404, 429),
    },
  }),
  hint: createRoute({
    ...HINT,
    path: '/v1/plans/{digest}/hint',
    request: { params, ...HINT.request },
  }),
  evaluate: createRoute({
    ...EVALUATE,
    path: '/v1/plans/{digest}/evaluate',
    summary: 'Evaluates the convolution on ciphertexts',
    request: { params, ...EVALUATE.request },
  }),
  evaluationKeys: createRoute({
    ...STORE_KEYS,
    path: '/v1/plans/{digest}/evaluation-keys',
    summary: 'Uploads the evaluation keys that a diagonals plan needs',
    request: { params, ...STORE_KEYS.request },
  }),
  models: createRoute({
    method: 'get',
    path: '/v1/models',
    summary: 'The models that are served',
    responses: {
      200: json(
        'Models',
        z.object({
          models: z.array(
            z.object({ digest: z.string(), name: z.string(), layers: z.int(), clientPlan: z.boolean() }),
          ),
        }),
      ),
      ...problems(403, 429),
    },
  }),
  model: createRoute({
    method: 'get',
    path: '/v1/models/{digest}',
    summary: 'The client plan of a model: its clear segments, and no weights of encrypted layers',
    request: { params },
    responses: {
      200: json('A client plan file of a model', z.object({}).loose()),
      ...problems(403, 404, 429),
    },
  }),
  layerHint: createRoute({
    ...HINT,
    path: '/v1/models/{digest}/hints/{layer}',
    request: { params: z.object({ digest, layer: index('layer') }), ...HINT.request },
  }),
  evaluateLayer: createRoute({
    ...EVALUATE,
    path: '/v1/models/{digest}/layers/{index}/evaluate',
    summary: 'Evaluates one layer of a model on ciphertexts',
    request: { params: layerParams, ...EVALUATE.request },
  }),
  layerKeys: createRoute({
    ...STORE_KEYS,
    path: '/v1/models/{digest}/layers/{index}/evaluation-keys',
    summary: 'Uploads the evaluation keys that a diagonals plan of a layer needs',
    request: { params: layerParams, ...STORE_KEYS.request },
  }),
  openapi: createRoute({
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    responses: { 200: json('OpenAPI 3.1', z.object({}).loose()), ...problems(403, 429) },
  }),
  metrics: createRoute({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics in the Prometheus text format',
    responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } } },
  }),
} as const;

export type RouteName = keyof typeof ROUTES;

export const OPENAPI_INFO = {
  openapi: '3.1.0',
  info: {
    title: 'cipherconv',
    version: VERSION,
    description: 'Convolutions on encrypted pictures. Errors are problem details (RFC 9457).',
    license: { name: 'MIT' },
  },
};
