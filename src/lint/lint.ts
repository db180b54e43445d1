import { CipherconvError } from '../../compiler/errors.ts';
import { TooWideError } from '../frontend/config.ts';
import { displayName } from '../frontend/files.ts';
import { analyze, PROBABILITY_BUDGET } from './analyze.ts';
import { loadCalibration, samplesFor } from './calibrationInputs.ts';
import type { CalibrationInputs } from './calibrationInputs.ts';
import type { Finding, Layer, LintReport } from './finding.ts';
import { layerOf } from './layer.ts';
import { tooWideFinding, unreadableFinding } from './refusal.ts';
import { LAYER_RULES } from './registry.ts';
import type { Draft, LintSource, Rule, Subject } from './rule.ts';
import { unsupportedMessages, unsupportedOperator } from './rules/unsupportedOperator.ts';
import { findSources } from './search.ts';
import { DEFAULT_SETTINGS, withOverrides } from './settings.ts';
import type { Overrides, Settings } from './settings.ts';
import { createSettingsFinder, namedSettings } from './settingsFiles.ts';
import { readSource } from './sources.ts';

export interface LintOptions extends Overrides {
  /** Settings file to use for every file; otherwise the nearest `cipherconv.config.json` above each. */
  readonly config?: string;
  /** Sample inputs: .npy, .json, .png, or a folder of them. */
  readonly calibration?: string;
  /** Told in a sentence what a person may want to know besides the findings. */
  readonly notice?: (sentence: string) => void;
}

/** How every file of one call is linted. */
export interface LintContext {
  readonly settings: Settings;
  readonly calibration: CalibrationInputs | null;
  readonly probabilityBudget: number;
}

const DEFAULT_CONTEXT: LintContext = {
  settings: DEFAULT_SETTINGS,
  calibration: null,
  probabilityBudget: PROBABILITY_BUDGET,
};

/** Additions that the probabilistic tiers of one call may spend together, in equal parts: at most about a second. */
const SHARED_BUDGET = 2 ** 28;

/**
 * Lints files, folders and globs; none means the current folder. Loads no cryptography. A file that cannot be read is
 * a finding, so that the others are linted all the same.
 * @throws CipherconvError `unreadable` when an argument leads to no file at all; what is wrong with `options.config` or
 *   `options.calibration`; `shape-mismatch` when the sample inputs fit no convolution.
 */
export async function lint(paths: readonly string[], options: LintOptions = {}): Promise<LintReport> {
  const notice = options.notice ?? ((): void => undefined);
  const named = options.config === undefined ? null : await namedSettings(options.config);
  const findSettings = createSettingsFinder();
  const calibration = options.calibration === undefined ? null : await loadCalibration(options.calibration);
  const { files, skipped } = await findSources(paths);
  const probabilityBudget = Math.min(PROBABILITY_BUDGET, SHARED_BUDGET / files.length);
  const findings: Finding[] = [];
  const layers: Layer[] = [];
  const brokenSettings = new Set<string>();
  for (const path of files) {
    const found = named ?? (await findSettings(path));
    if (found.error !== null && found.file !== null && !brokenSettings.has(found.file)) {
      brokenSettings.add(found.file);
      findings.push(unreadableFinding(found.error, found.file));
    }
    const settings = withOverrides(found.settings, options);
    const linted = await lintFile(path, { settings, calibration, probabilityBudget });
    findings.push(...linted.findings);
    layers.push(...linted.layers);
  }
  if (skipped.length > 0) notice(`${skipped.length} ONNX models left out: not supported yet`);
  calibration?.requireUse(notice);
  return { findings, layers };
}

async function lintFile(path: string, context: LintContext): Promise<LintReport> {
  let source: LintSource;
  try {
    source = await readSource(path);
  } catch (error) {
    if (error instanceof TooWideError) {
      const finding = tooWideFinding(error, context.settings);
      return { findings: finding === null ? [] : [finding], layers: [] };
    }
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { findings: [unreadableFinding(error, displayName(path))], layers: [] };
  }
  return lintSource(source, context);
}

/**
 * Lints what one file holds.
 * @throws CipherconvError for sample inputs that fit a convolution's shape but not its range.
 */
export function lintSource(
  source: LintSource,
  { settings, calibration, probabilityBudget }: LintContext = DEFAULT_CONTEXT,
): LintReport {
  const findings: Finding[] = [];
  const layers: Layer[] = [];
  for (const layer of source.layers) {
    const samples = calibration === null ? null : samplesFor(calibration, layer, source);
    const analysis = analyze(layer.spec, samples, probabilityBudget);
    const subject: Subject = { ...layer, analysis, options: settings };
    layers.push(layerOf(source.file, layer.name, layer.op, analysis));
    for (const rule of LAYER_RULES) {
      const level = settings.levels[rule.name];
      if (level === 'off') continue;
      for (const draft of rule.check(subject))
        findings.push(findingOf(source.file, rule, level, subject, draft));
    }
  }
  return { findings: [...findings, ...unsupportedFindings(source, settings)], layers };
}

function findingOf(
  file: string,
  rule: Rule,
  level: Finding['level'],
  { name, locate, analysis }: Subject,
  draft: Draft,
): Finding {
  const position = locate(draft.path);
  const { interval = null, requiredBits = null } = draft;
  const declaredBits = analysis.declared?.bits ?? null;
  return {
    rule: rule.name,
    level,
    file,
    line: position?.line ?? null,
    column: position?.column ?? null,
    layer: name,
    message: draft.message,
    interval: interval === null || !('lo' in interval) ? interval : [interval.lo, interval.hi],
    requiredBits,
    declaredBits,
    headroom: requiredBits === null || declaredBits === null ? null : declaredBits - requiredBits,
    witness: draft.witness ?? null,
    hint: draft.hint,
  };
}

function unsupportedFindings(source: LintSource, settings: Settings): Finding[] {
  const level = settings.levels[unsupportedOperator.name];
  if (level === 'off') return [];
  return unsupportedMessages(source).map(({ layer, message }) => ({
    rule: unsupportedOperator.name,
    level,
    file: source.file,
    line: null,
    column: null,
    layer,
    message,
    interval: null,
    requiredBits: null,
    declaredBits: null,
    headroom: null,
    witness: null,
    hint: 'nothing is said about its accumulator; run it in the clear, or export it as one of the convolutions',
  }));
}
