import type { ServedKind } from './messages.ts';
import { openModel } from './modelWorker.ts';
import { openNetwork } from './networkWorker.ts';
import { openPlan } from './planWorker.ts';
import type { Opener } from './session.ts';

/** How each kind of what is served is opened, in the worker; views.ts has what people see of it. */
export const OPENERS: Readonly<Record<ServedKind, Opener>> = {
  plan: openPlan,
  network: openNetwork,
  model: openModel,
};
