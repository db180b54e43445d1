/** The public API of cipherconv: everything that needs no browser and no server. */

export { compile, compileAsync } from './abortable.ts';
export type { AbortableCompileOptions } from './abortable.ts';
export type { CompileOptions } from '../compiler/lowerings/compile.ts';
export { CipherconvError } from '../compiler/base/errors.ts';
export type { ErrorCode, ErrorDetails } from '../compiler/base/errors.ts';
export type { Interval, Width } from '../compiler/base/interval.ts';
export type { ToeplitzPacking } from '../compiler/toeplitz/packing.ts';
export type { DiagonalsPacking, RotationSteps } from '../compiler/diagonals/packing.ts';
export type { ClientView, Plan } from '../compiler/lowerings/plan.ts';
export type {
  DecodeWindows,
  Kernel,
  Protocol,
  PlanAnalysis,
  PlanBytes,
  PlanCounts,
  PlanKeys,
  PlanReport,
  PlanRequest,
  PlanWire,
  RefusedCandidate,
  SentCiphertexts,
  UploadForm,
} from '../compiler/lowering/plan.ts';
export type { Lowering } from '../compiler/lowerings/plan.ts';
export type { DiagonalsPlan, DiagonalsPlanNoise, DiagonalsView } from '../compiler/diagonals/plan.ts';
export type { Objective } from '../compiler/cost/estimate.ts';
export type { Parameters } from '../compiler/bfv/parameters.ts';
export type { DroppedBits, Failure } from '../compiler/bfv/noise.ts';
export type {
  DirectLanes,
  Execution,
  PlanNoise,
  ToeplitzPlan,
  ToeplitzView,
} from '../compiler/toeplitz/plan.ts';
export type { Degree, SecurityBits } from '../compiler/bfv/security.ts';
export { makeSpecWithDefaults } from '../compiler/convolution/defaults.ts';
export type { SpecFields } from '../compiler/convolution/defaults.ts';
export { outputShape } from '../compiler/convolution/shape.ts';
export { makeSpec } from '../compiler/convolution/spec.ts';
export type { OutputArrangement } from '../compiler/convolution/arrangement.ts';
export type { ConvShape, InputSpec, OutputShape, WeightShape } from '../compiler/convolution/shape.ts';
export type { ConvSpec, WeightSpec } from '../compiler/convolution/spec.ts';
export type { PhaseAxis, PhaseMap } from '../compiler/convolution/transposed.ts';
export { proveNetwork } from '../compiler/network/prove.ts';
export type { NetworkProof, StageProof } from '../compiler/network/prove.ts';
export type { Range } from '../compiler/network/ranges.ts';
export type {
  Fraction,
  LinearStage,
  NetworkInput,
  NetworkOutput,
  NetworkSpec,
} from '../compiler/network/spec.ts';
export { convolutionStage, denseStage } from '../compiler/network/stages.ts';
export type { ConvolutionGeometry } from '../compiler/network/stages.ts';
export { makeTensor } from '../compiler/base/tensor.ts';
export type { Tensor } from '../compiler/base/tensor.ts';
export { verify } from '../compiler/lowerings/verify.ts';
export type { AccumulatorAnalysis, ChannelAnalysis } from '../compiler/accumulator/exact.ts';
export type { Calibration, HistogramBin } from '../compiler/accumulator/calibration.ts';
export type { AsyncDisposableHandle, DisposableHandle } from '../runtime/disposable.ts';
export type { Mismatch } from '../runtime/clear/compare.ts';
export { resizeSpec } from './frontend/autoPad.ts';
export { parseFilterConfig } from './frontend/config.ts';
export type { ConfigSource, ParsedConfig } from './frontend/config.ts';
export { clientPlanOf, encodeClientPlan, parseClientPlan } from './frontend/clientPlan.ts';
export type { ClientPlan } from './frontend/clientPlan.ts';
export { computeHint } from './hint.ts';
export type { ComputeHintOptions, CompletePlan, PlanWithHint } from './hint.ts';
export { importOnnx } from './frontend/onnx/importOnnx.ts';
export { importTflite } from './frontend/tflite/importTflite.ts';
export type { TfliteOptions, TfliteSource } from './frontend/tflite/types.ts';
export type {
  FixedPointNode,
  FixedPointOperation,
  FixedPointRounding,
  FixedPointTensor,
} from './interpreter/fixedPoint/node.ts';
export { decodeTensorFile, encodeTensorFile } from './frontend/onnx/proto/tensorProto.ts';
export type { ElementType } from './frontend/onnx/proto/codes.ts';
export type {
  AccumulatorOutput,
  GraphValue,
  ImportedLayer,
  OpenExtent,
  LayerInput,
  LayerOutput,
  OpenLayer,
  RequantizedOutput,
  ScaledLayerOutput,
  ScaledOutput,
  UnsupportedNode,
} from './frontend/imported/types.ts';
export type {
  GraphNode,
  OnnxSource,
  QuantizedTensor,
  InnerNode,
  ImportOptions,
  InputQuantization,
  OnnxTensor,
} from './frontend/onnx/types.ts';
export type { ImportedModel } from './frontend/imported/model.ts';
export type { NumericArray, DenseTensor } from './interpreter/values.ts';
export { describeHint, freshBlind } from './frontend/planDigest.ts';
export type { Blind, PlanHint } from './frontend/planDigest.ts';
export {
  completePlan,
  encodePlan,
  parsePlan,
  planCore,
  planDigest,
  storedPlan,
} from './frontend/planFile.ts';
export type { PlanCore, StoredPlan } from './frontend/planFile.ts';
export { encodeTensorJson, writeOutput } from './frontend/outputs.ts';
export { inLayout, nchwOf } from './frontend/layouts.ts';
export { LocatedError } from './frontend/positions.ts';
export type { JsonPath, Locator, Position, Target } from './frontend/positions.ts';
export { configJsonSchema } from './frontend/schema.ts';
export type {
  AutoPad,
  ConfigAccumulator,
  ConfigInput,
  ConfigNpy,
  ConfigWeights,
  FilterConfig,
  FilterConfigInput,
  TensorLayout,
  WeightLayout,
} from './frontend/schema.ts';
export { loadConfig, loadSource } from './frontend/sources.ts';
export type { ConvSource } from './frontend/sources.ts';
export { inputTensor, loadInput } from './frontend/tensors.ts';
export type { ElementFault, InputSource } from './frontend/tensors.ts';
export type { Picture } from './frontend/pictureTensor.ts';
export type { PictureRules } from './frontend/pictureFit.ts';
export { analyze } from './lint/analyze.ts';
export type {
  Analysis,
  CalibratedTier,
  DatatypeTier,
  ExactTier,
  NormTier,
  ProbabilisticTier,
  Samples,
  Tier,
} from './lint/analyze.ts';
export type {
  ConfigurableRule,
  Finding,
  Layer,
  LayerTier,
  LayerTiers,
  Level,
  LintReport,
  RuleName,
  WideInteger,
  Witness,
} from './lint/finding.ts';
export { RULE_NAMES } from './lint/finding.ts';
export { lint } from './lint/lint.ts';
export type { LintOptions } from './lint/lint.ts';
export { lintConfigJsonSchema } from './lint/settings.ts';
export type { LintConfigInput, Overrides, RuleLevel } from './lint/settings.ts';
export { compileModel, compileModelAsync } from './model/compileModel.ts';
export type { LayerObserver, ModelCompileOptions } from './model/compileModel.ts';
export type { JoinedModel, ModelLayer, ModelPlan } from './model/modelPlan.ts';
export type { ClientLayer, ClientModel, ModelClientFlow } from './model/clientModel.ts';
export { clientModelOf } from './model/clientModelOf.ts';
export { encodeClientModel, parseClientModel } from './model/clientModelFile.ts';
export { encodeServerModel, joinModel, parseServerModel, serverModelOf } from './model/serverModel.ts';
export type { ServerModel } from './model/serverModel.ts';
export type { NamedTensors } from './model/runFlow.ts';
export type {
  ClearNode,
  LayerCut,
  ModelFlow,
  ModelLayerOutput,
  ModelPort,
  Macs,
  ModelSegment,
} from './model/modelFlow.ts';
export type { ClearModel, OnnxClearModel, TfliteClearModel } from './model/clearModel.ts';
export { blindModelPlan, encodeModelPlan, modelPlanDigest, parseModelPlan } from './model/modelPlanFile.ts';
export type {
  ModelComparison,
  ModelLayerReport,
  ModelRunReport,
  RuntimeStatistic,
} from './model/modelReport.ts';
export { ModelRunner, runModel } from './model/runModel.ts';
export type { ModelRunOptions, ModelRunResult, ModelSignal } from './model/runModel.ts';
export { typedTensor } from './model/typedTensor.ts';
export type { CrossingElement, Elements, TypedTensor } from './model/typedTensor.ts';
export { openRunner, run } from './run.ts';
export type { Runner, RunOptions, RunResult, RunStep } from './run.ts';
export type { HintFacts, JudgeMode } from './sealJudge.ts';
export type { RunReport } from './runReport.ts';
export { VERSION } from './version.ts';
export { quantize } from './frontend/quantize.ts';
export type { Floats, Quantized, QuantizeOptions } from './frontend/quantize.ts';
export { EXECUTORS } from '../runtime/clear/executors.ts';
export type { Executor } from '../runtime/clear/executors.ts';
export { requantize } from '../runtime/clear/requantize.ts';
export type {
  QlinearRequantization,
  Requantization,
  ShiftRequantization,
  TfliteRequantization,
} from '../runtime/clear/requantize.ts';
export { createEvaluatorPool } from '../runtime/pool/pool.ts';
export type { EvaluatorPool, PoolOptions } from '../runtime/pool/pool.ts';
export type { Weights } from '../runtime/evaluator/weights.ts';
