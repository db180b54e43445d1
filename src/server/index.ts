/**
 * `cipherconv/server`: what a server needs, in Node. Nothing here can hold a secret key: no module that it reaches makes,
 * reads or keeps one (dependency-cruiser checks it).
 */

export { CipherconvError } from '../../compiler/base/errors.ts';
export type { ErrorCode, ErrorDetails } from '../../compiler/base/errors.ts';
export { MESSAGE_HEADER_BYTES, messageDigest } from '../../runtime/wire/message.ts';
export { parsePlan } from '../frontend/planFile.ts';
export type { StoredPlan } from '../frontend/planFile.ts';
export type { PlanHint } from '../frontend/planDigest.ts';
export { parseNetworkPlan } from '../network/networkPlanFile.ts';
export type { StoredNetwork } from '../network/networkPlan.ts';
export type {
  NetworkAnalysis,
  NetworkBytes,
  NetworkCounts,
  NetworkPlan,
  NetworkReport,
} from '../../compiler/network/plan.ts';
export type { StageChoice } from '../../compiler/network/placement.ts';
export type { StagePrimes } from '../../compiler/network/program.ts';
export { createNetworkServer } from './networkServer.ts';
export { createPlanServer, describePlan } from './planServer.ts';
export type { PlanServer, PlanServerOptions, PlanService, PreparedPlanServer } from './planServer.ts';
export { createHandler } from './handler.ts';
export type { Handler, HandlerOptions, RequestFacts, Servable } from './handler.ts';
export { modelToServe } from './models.ts';
export type { ModelToServe } from './models.ts';
export { parseServerModel } from '../model/serverModel.ts';
export type { ServerModel } from '../model/serverModel.ts';
export { hintMessage } from './hintMessage.ts';
export type { ComputeHintOptions } from '../hint.ts';
