/**
 * `cipherconv/client`: what a client needs, in Node and in browsers. It imports no server code and nothing of Node.
 */

export { CipherconvError } from '../../compiler/base/errors.ts';
export type { ErrorCode, ErrorDetails } from '../../compiler/base/errors.ts';
export { makeTensor } from '../../compiler/base/tensor.ts';
export type { Tensor } from '../../compiler/base/tensor.ts';
export type { ClientView } from '../../compiler/lowerings/plan.ts';
export type { DiagonalsView } from '../../compiler/diagonals/plan.ts';
export type { Parameters } from '../../compiler/bfv/parameters.ts';
export type { ToeplitzView } from '../../compiler/toeplitz/plan.ts';
export type { DisposableHandle } from '../../runtime/disposable.ts';
export { MESSAGE_HEADER_BYTES } from '../../runtime/wire/message.ts';
export { parseClientPlan } from '../frontend/clientPlan.ts';
export type { ClientPlan } from '../frontend/clientPlan.ts';
export type { PlanHint } from '../frontend/planDigest.ts';
export { inLayout, nchwOf } from '../frontend/layouts.ts';
export type { Shape4 } from '../frontend/layouts.ts';
export type { TensorLayout } from '../frontend/schema.ts';
export { createPlanClient, decryptWithOneTimeKey } from './client.ts';
export type { PlanClient, PlanClientOptions, PlanExchange } from './client.ts';
export { connect, connectModel, connectNetwork, connectPlan } from './http.ts';
export type { ConnectOptions, Remote } from './http.ts';
export { folderHintCache } from './hintCache.ts';
export type { HintCache } from './hintCache.ts';
export type { HintOptions } from './openPlan.ts';
export type { EndpointOptions } from './endpoint.ts';
export type { Timer } from './contact.ts';
export type { ManyOptions } from './inOrder.ts';
export type { ModelInferOptions, ModelStep, RemoteModel } from './remoteModel.ts';
export type { InferStep } from './evaluations.ts';
export type { InferOptions, RemotePlan } from './remotePlan.ts';
export type { NetworkClient, NetworkResult } from './networkClient.ts';
export type { RemoteNetwork } from './remoteNetwork.ts';
export type { ClientNetwork } from '../network/clientNetwork.ts';
export type { NetworkPort } from '../network/port.ts';
export type { NetworkView } from '../../compiler/network/view.ts';
export type { InputPlaces } from '../../compiler/network/inputPlaces.ts';
export type { NetworkResults } from '../../compiler/network/results.ts';
export type { LogitWindow, NetworkKeys, NetworkParameters } from '../../compiler/network/plan.ts';
export type { Fraction, NetworkInput, NetworkOutput } from '../../compiler/network/spec.ts';
export { ServerError } from './request.ts';
export type { Fetch } from './request.ts';
