import { OpenAPIHono } from '@hono/zod-openapi';
import { cors } from 'hono/cors';
import type { MiddlewareHandler } from 'hono';
import { METRICS_TYPE } from './metrics.ts';
import { evaluate, evaluateLayer, storeKeys, storeLayerKeys } from './evaluation.ts';
import { OPENAPI_INFO, ROUTES } from './openapi.ts';
import type { RouteName } from './openapi.ts';
import type { PageFiles } from './pageFiles.ts';
import { refuseForeign } from './origins.ts';
import { hintBytes, isNetwork } from './plans.ts';
import { problem } from './problems.ts';
import { SECURITY_HEADERS } from './securityHeaders.ts';
import { sendHint, sendLayerHint } from './hint.ts';
import type { AppContext, AppEnv, AppState } from './state.ts';

/** How long a browser may remember what a page of another origin may ask. */
const CORS_SECONDS = 600;

type Handler = (state: AppState, context: AppContext) => Response | Promise<Response>;

/** All but the document about them. */
const HANDLERS: Readonly<Record<Exclude<RouteName, 'openapi'>, Handler>> = {
  health: ({ pool }) =>
    pool.ready > 0
      ? json({ status: 'ok' })
      : problem('busy', { detail: 'no worker is ready', retryAfter: 1 }),
  plans: ({ plans }) =>
    json({
      plans: [...plans.values()].map(({ digest, name, stored }) => ({
        digest,
        name,
        ...(isNetwork(stored) ? { kind: 'network' } : {}),
      })),
    }),
  plan: ({ plans }, context) => {
    const plan = plans.get(context.req.param('digest') ?? '');
    return plan === undefined ? problem('unknown-plan') : octets(plan.clientPlanBytes, 'application/json');
  },
  hint: sendHint,
  evaluate,
  evaluationKeys: storeKeys,
  models: ({ models }) =>
    json({
      models: [...models.values()].map(({ digest, name, layers, clientPlanBytes }) => ({
        digest,
        name,
        layers: layers.length,
        clientPlan: clientPlanBytes !== null,
      })),
    }),
  model: ({ models }, context) => {
    const model = models.get(context.req.param('digest') ?? '');
    if (model === undefined) return problem('unknown-model');
    if (model.clientPlanBytes !== null) return octets(model.clientPlanBytes, 'application/json');
    return problem('no-client-plan', { detail: 'get it from who compiled the model' });
  },
  layerHint: sendLayerHint,
  evaluateLayer,
  layerKeys: storeLayerKeys,
  metrics: ({ plans, models, pool, keys, budget, metrics }) =>
    octets(
      metrics.text({
        queue_length: pool.waiting,
        evaluations_running: pool.busy,
        workers_ready: pool.ready,
        workers_resident_bytes: pool.residentBytes(),
        server_resident_bytes: process.memoryUsage.rss(),
        body_bytes: budget.taken,
        evaluation_keys_bytes: keys.bytes,
        hint_bytes: hintBytes([...plans.values(), ...[...models.values()].flatMap(({ layers }) => layers)]),
      }),
      METRICS_TYPE,
    ),
};

/** The HTTP application: routes, refusals, limits, headers, logs. */
export function createApp(state: AppState): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>();
  app.use(async (context, next) => {
    const began = performance.now();
    context.set('template', 'other');
    context.set('bytesIn', 0);
    context.set('bytesOut', 0);
    state.inFlight++;
    await next();
    state.inFlight--;
    const { res } = context;
    for (const [name, value] of SECURITY_HEADERS) res.headers.set(name, value);
    if (!res.headers.has('cache-control')) res.headers.set('cache-control', 'no-store');
    if (state.isClosing) res.headers.set('connection', 'close');
    record(state, context, performance.now() - began);
  });
  app.use(async (context, next) => refuseForeign(state.origins, context.env.peer.head) ?? next());
  if (state.origins.corsOrigins.size > 0) app.use(corsFor([...state.origins.corsOrigins]));
  app.use(async (_, next) => {
    if (!state.isClosing) return next();
    return problem('shutting-down', { retryAfter: 1 });
  });
  for (const path of ['/v1/*', '/openapi.json']) {
    app.use(path, async (context, next) => {
      const wait = state.rate.take(context.env.peer.address);
      if (wait === 0) return next();
      return problem('too-many-requests', { retryAfter: Math.max(1, Math.ceil(wait)) });
    });
  }
  addRoutes(app, state);
  app.get('*', (context) => pageResponse(state.page, context));
  app.notFound(() => problem('unknown-path'));
  app.onError((error) => {
    // Its message may quote what was sent; its kind and place are enough to find it.
    state.log('error', { event: 'error', text: error.name, at: placeOf(error) });
    return problem('internal');
  });
  return app;
}

/** The headers by which browsers let pages of these origins ask, and read the answers. */
function corsFor(origins: string[]): MiddlewareHandler<AppEnv> {
  const allow = cors({
    origin: origins,
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT'],
    exposeHeaders: ['Retry-After', 'Server-Timing', 'ETag', 'Content-Range', 'Accept-Ranges'],
    maxAge: CORS_SECONDS,
  });
  return async (context, next) => {
    const { headers, method } = context.env.peer.head;
    const isPreflight = headers['access-control-request-method'] !== undefined;
    // Any other OPTIONS is a method that the path does not take.
    return method === 'OPTIONS' && !isPreflight ? next() : allow(context, next);
  };
}

function addRoutes(app: OpenAPIHono<AppEnv>, state: AppState): void {
  let made: Uint8Array<ArrayBuffer> | null = null;
  const document = (): Uint8Array<ArrayBuffer> =>
    (made ??= new TextEncoder().encode(JSON.stringify(app.getOpenAPI31Document(OPENAPI_INFO))));
  const handlers: Readonly<Record<RouteName, Handler>> = {
    ...HANDLERS,
    openapi: () => octets(document(), 'application/json'),
  };
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const route = ROUTES[name];
    app.openAPIRegistry.registerPath(route);
    const path = route.getRoutingPath();
    app.on(route.method.toUpperCase(), path, (context) => {
      context.set('template', route.path);
      return handlers[name](state, context);
    });
    const allow = route.method === 'get' ? 'GET, HEAD' : route.method.toUpperCase();
    app.all(path, (context) => {
      context.set('template', route.path);
      return problem('method-not-allowed', { expected: allow, headers: { allow } });
    });
  }
}

function pageResponse(page: PageFiles, context: AppContext): Response {
  const file = page.get(context.req.path);
  if (file !== undefined) {
    context.set('template', 'page');
    context.set('bytesOut', file.bytes.length);
    return new Response(file.bytes, {
      headers: { 'content-type': file.type, 'cache-control': file.cacheControl },
    });
  }
  if (context.req.path !== '/') return problem('unknown-path');
  return problem('unknown-path', {
    detail: 'the page was not built: npm run build:page in the source folder, then start the server again',
  });
}

/** Where an error was thrown: the first line of its stack, without the message. */
function placeOf({ stack = '' }: Error): string {
  return /^ {4}at (.*)$/m.exec(stack)?.[1] ?? 'unknown';
}

/** One line of the log and the counts of one request. */
function record({ metrics, log }: AppState, context: AppContext, ms: number): void {
  const { status } = context.res;
  const path = context.get('template');
  const bytesIn = context.get('bytesIn');
  const bytesOut = context.get('bytesOut');
  metrics.requests.add({ path, status });
  metrics.bytesReceived.add({}, bytesIn);
  metrics.bytesSent.add({}, bytesOut);
  const method = METHODS.has(context.req.method) ? context.req.method : 'other';
  log(status >= 500 ? 'warn' : 'info', {
    event: 'request',
    method,
    path,
    status,
    ms: Math.round(ms * 1000) / 1000,
    bytesIn,
    bytesOut,
  });
}

/** Anything else is a word of the sender's choice. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

function json(value: object): Response {
  return octets(JSON.stringify(value), 'application/json');
}

function octets(content: string | Uint8Array<ArrayBuffer>, type: string): Response {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return new Response(bytes, { headers: { 'content-type': type } });
}
