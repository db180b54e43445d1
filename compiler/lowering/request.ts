import { CipherconvError } from '../base/errors.ts';
import { DEGREES } from '../bfv/security.ts';
import type { PlanRequest } from './plan.ts';

/** A request of which anything may be left out. */
export type RequestOptions = Partial<PlanRequest>;

/** A common access line; what it takes to send a byte is only weighed by the form of uploads. */
const DEFAULT_LINK_MEGABITS_PER_SECOND = 100;

/** What may be asked for by name. Names of lowerings are the registry's to know. */
const CHOICES = {
  objective: ['latency', 'bandwidth', 'total'],
  degree: ['auto', ...DEGREES],
  security: [128, 192, 256],
  failure: ['auto', 'never', '2^-128'],
  kernel: ['auto', 'ntt', 'direct'],
  upload: ['auto', 'seeded', 'whole'],
  protocol: ['auto', 'standard', 'hint'],
  engine: ['auto', 'seal'],
} as const satisfies { readonly [Name in keyof PlanRequest]?: readonly PlanRequest[Name][] };

/**
 * The request with its defaults.
 * @throws CipherconvError `usage` for an option with a value that it does not have: a plan of it could not be read again.
 */
export function planRequest(options: RequestOptions): PlanRequest {
  return checked({
    lowering: options.lowering ?? 'auto',
    objective: options.objective ?? 'latency',
    degree: options.degree ?? 'auto',
    security: options.security ?? 128,
    failure: options.failure ?? 'auto',
    kernel: options.kernel ?? 'auto',
    upload: options.upload ?? 'auto',
    protocol: options.protocol ?? 'auto',
    engine: options.engine ?? 'auto',
    inferences: options.inferences ?? 1,
    linkMegabitsPerSecond: options.linkMegabitsPerSecond ?? DEFAULT_LINK_MEGABITS_PER_SECOND,
  });
}

function checked(request: PlanRequest): PlanRequest {
  for (const name of Object.keys(CHOICES) as (keyof typeof CHOICES)[]) {
    const choices: readonly (string | number)[] = CHOICES[name];
    if (!choices.includes(request[name])) refuse(name, `one of ${choices.join(', ')}`, request[name]);
  }
  const { inferences, linkMegabitsPerSecond } = request;
  if (!Number.isSafeInteger(inferences) || inferences < 1)
    refuse('inferences', 'a whole number from 1 on', inferences);
  if (!Number.isFinite(linkMegabitsPerSecond) || linkMegabitsPerSecond <= 0)
    refuse('linkMegabitsPerSecond', 'a number above 0', linkMegabitsPerSecond);
  return request;
}

function refuse(where: string, expected: string, value: unknown): never {
  const found = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new CipherconvError({ code: 'usage', where, message: 'not a value of this option', expected, found });
}
