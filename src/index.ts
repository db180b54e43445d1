/** The public API of cipherconv: everything that needs no browser and no server. */

export { compileSpec as compile } from '../compiler/compile.ts';
export type { CompileOptions } from '../compiler/compile.ts';
export { CipherconvError } from '../compiler/errors.ts';
export type { ErrorCode, ErrorDetails } from '../compiler/errors.ts';
export type { Interval, Width } from '../compiler/interval.ts';
export type { ToeplitzPacking } from '../compiler/packing.ts';
export type { DiagonalsPacking, RotationSteps } from '../compiler/packingDiagonals.ts';
export type {
  ClientView,
  DecodeWindows,
  DiagonalsPlan,
  DiagonalsPlanNoise,
  DiagonalsView,
  Kernel,
  Lowering,
  Objective,
  Parameters,
  Plan,
  PlanAnalysis,
  PlanCounts,
  PlanKeys,
  PlanNoise,
  PlanReport,
  RefusedCandidate,
  ToeplitzPlan,
  ToeplitzView,
  Transfer,
} from '../compiler/plan.ts';
export type { Degree, SecurityBits } from '../compiler/security.ts';
export { makeSpec, outputShape } from '../compiler/spec.ts';
export type {
  ConvShape,
  ConvSpec,
  InputSpec,
  OutputShape,
  WeightShape,
  WeightSpec,
} from '../compiler/spec.ts';
export { makeTensor } from '../compiler/tensor.ts';
export type { Tensor } from '../compiler/tensor.ts';
export { verify } from '../compiler/verify.ts';
export type { AccumulatorAnalysis, ChannelAnalysis } from '../compiler/accumulator.ts';
export type { Calibration, HistogramBin } from '../compiler/calibration.ts';
export type { Mismatch } from '../runtime/compare.ts';
export { resizeSpec } from './frontend/autoPad.ts';
export { parseFilterConfig } from './frontend/config.ts';
export type { ConfigSource, ParsedConfig } from './frontend/config.ts';
export { clientPlanOf, encodeClientPlan, parseClientPlan } from './frontend/clientPlan.ts';
export type { ClientPlan } from './frontend/clientPlan.ts';
export { encodePlan, parsePlan, planDigest, storedPlan } from './frontend/planFile.ts';
export type { StoredPlan } from './frontend/planFile.ts';
export { encodeTensorJson, writeOutput } from './frontend/outputs.ts';
export { LocatedError } from './frontend/positions.ts';
export type { JsonPath, Locator, Position, Target } from './frontend/positions.ts';
export { configJsonSchema } from './frontend/schema.ts';
export type {
  AutoPad,
  FilterConfig,
  FilterConfigInput,
  TensorLayout,
  WeightLayout,
} from './frontend/schema.ts';
export { loadConfig, loadSource } from './frontend/sources.ts';
export type { ConvSource } from './frontend/sources.ts';
export { inputTensor, loadInput } from './frontend/tensors.ts';
export type { InputSource } from './frontend/tensors.ts';
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
export { lint } from './lint/lint.ts';
export type { LintOptions } from './lint/lint.ts';
export { lintConfigJsonSchema } from './lint/settings.ts';
export type { LintConfigInput, Overrides, RuleLevel } from './lint/settings.ts';
export { run } from './run.ts';
export type { RunOptions, RunResult, RunStep } from './run.ts';
export type { RunReport } from './runReport.ts';
export { VERSION } from './version.ts';
export { quantize } from './frontend/quantize.ts';
export type { Floats, Quantized, QuantizeOptions } from './frontend/quantize.ts';
export { EXECUTORS } from '../runtime/clear/executors.ts';
export type { Executor } from '../runtime/clear/executors.ts';
export { requantize } from '../runtime/clear/requantize.ts';
export { createEvaluatorPool } from '../runtime/pool/pool.ts';
export type { EvaluatorPool, PoolOptions } from '../runtime/pool/pool.ts';
