import { CipherconvError } from '../../compiler/base/errors.ts';
import { longWork } from '../../runtime/longWork.ts';
import { TooWideError } from '../frontend/config.ts';
import { displayName } from '../frontend/files.ts';
import { analyze, PROBABILITY_BUDGET } from './analyze.ts';
import type { Analysis } from './analyze.ts';
import { loadCalibration, samplesFor } from './calibrationInputs.ts';
import type { CalibrationInputs } from './calibrationInputs.ts';
import type { Finding, Layer, LintReport } from './finding.ts';
import { layerOf, openLayerOf } from './layer.ts';
import { tooWideFinding, unreadableFinding } from './refusal.ts';
import { LAYER_RULES } from './registry.ts';
import type { Draft, LintSource, Rule, SourceLayer, Subject } from './rule.ts';
import { datatypeCouldOverflow, openLayerDraft } from './rules/datatypeCouldOverflow.ts';
import { unsupportedMessages, unsupportedOperator } from './rules/unsupportedOperator.ts';
import { findSources } from './search.ts';
import { DEFAULT_SETTINGS, withOverrides } from './settings.ts';
import type { Overrides, Settings } from './settings.ts';
import { requiredBitsFor } from './texts.ts';
import { createSettingsFinder, namedSettings } from './settingsFiles.ts';
import { holdTo, readSource } from './sources.ts';
import type { ModelOptions } from './sources.ts';

export interface LintOptions extends Overrides, ModelOptions {
  /** Settings file to use for every file; otherwise the nearest `cipherconv.config.json` above each. */
  readonly config?: string;
  /** Sample inputs: .npy, .json, .pb, .png, .jpg, or a folder of them. */
  readonly calibration?: string;
  /** Bits of the accumulator, in place of what files declare; the same signedness, signed where nothing is declared. */
  readonly accumulatorBits?: number;
  /** What searches leave out, as in `.gitignore`, relative to the current folder. */
  readonly ignore?: readonly string[];
  /** Told in a sentence what a person may want to know besides the findings. */
  readonly notice?: (sentence: string) => void;
}

/** How every file of one call is linted. */
export interface LintContext {
  readonly settings: Settings;
  readonly calibration: CalibrationInputs | null;
  readonly probabilityBudget: number;
  readonly model?: ModelOptions;
  readonly accumulatorBits?: number;
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
 * a finding, so that the others are linted all the same, and so is a folder.
 * @throws CipherconvError `unreadable` when all arguments together lead to no file at all; what is wrong with `options.config` or
 *   `options.calibration`; `shape-mismatch` when the sample inputs fit no convolution.
 */
export async function lint(paths: readonly string[], options: LintOptions = {}): Promise<LintReport> {
  const notice = options.notice ?? ((): void => undefined);
  const named = options.config === undefined ? null : await namedSettings(options.config);
  const findSettings = createSettingsFinder();
  const calibration = options.calibration === undefined ? null : await loadCalibration(options.calibration);
  const { found: sources, empty } = await findSources(paths, options.ignore);
  for (const path of empty) notice(`${path}: nothing to lint`);
  const probabilityBudget = Math.min(PROBABILITY_BUDGET, SHARED_BUDGET / sources.length);
  const model: ModelOptions = {
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    ...(options.inputQuantization === undefined ? {} : { inputQuantization: options.inputQuantization }),
    ...(options.extents === undefined ? {} : { extents: options.extents }),
  };
  const findings: Finding[] = [];
  const layers: Layer[] = [];
  const brokenSettings = new Set<string>();
  for (const source of sources) {
    const { path } = source;
    const found = named ?? (await findSettings(path));
    if (found.error !== null && found.file !== null && !brokenSettings.has(found.file)) {
      brokenSettings.add(found.file);
      push(findings, unreadableFinding(found.error, found.file, withOverrides(found.settings, options)));
    }
    const settings = withOverrides(found.settings, options);
    if (source.kind !== 'file') {
      push(findings, unreadableFinding(source.error, path, settings));
      continue;
    }
    const held = options.accumulatorBits === undefined ? {} : { accumulatorBits: options.accumulatorBits };
    const linted = await lintFile(path, { settings, calibration, probabilityBudget, model, ...held });
    for (const finding of linted.findings) findings.push(finding);
    for (const layer of linted.layers) layers.push(layer);
  }
  calibration?.requireUse(notice);
  return { findings, layers };
}

function push(findings: Finding[], finding: Finding | null): void {
  if (finding !== null) findings.push(finding);
}

async function lintFile(path: string, context: LintContext): Promise<LintReport> {
  let source: LintSource;
  try {
    source = holdTo(await readSource(path, context.model), context.accumulatorBits);
  } catch (error) {
    if (error instanceof TooWideError) {
      const finding = tooWideFinding(error, context.settings);
      return { findings: finding === null ? [] : [finding], layers: [] };
    }
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const finding = unreadableFinding(error, displayName(path), context.settings);
    return { findings: finding === null ? [] : [finding], layers: [] };
  }
  return longWork(() => lintSource(source, context));
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
  const budget = probabilityBudget / Math.max(1, source.layers.length);
  const analysed = source.layers.map((layer) => {
    const isSampled = calibration !== null && layer.inputs === 'outside';
    const samples = isSampled ? samplesFor(calibration, layer, source) : null;
    return { layer, analysis: analyze(layer.spec, samples, budget) };
  });
  const sharedBits = Math.max(0, ...analysed.map(bitsByOption));
  for (const { layer, analysis } of analysed) {
    const subject: Subject = { ...layer, analysis, options: settings, sharedBits };
    layers.push(layerOf(source.file, layer, analysis));
    for (const rule of LAYER_RULES) {
      const level = settings.levels[rule.name];
      if (level === 'off') continue;
      for (const draft of rule.check(subject))
        findings.push(findingOf(source.file, rule, level, subject, draft));
    }
  }
  for (const layer of source.openLayers) layers.push(openLayerOf(source.file, layer));
  return {
    findings: [...findings, ...openFindings(source, settings), ...unsupportedFindings(source, settings)],
    layers,
  };
}

/** What `--accumulator-bits` must be at least for this layer; 0 where it has a width of its own. */
function bitsByOption({ layer, analysis }: { layer: SourceLayer; analysis: Analysis }): number {
  const { declared, exact } = analysis;
  if (layer.declares === 'in-file' || declared === null) return 0;
  return requiredBitsFor(exact.interval, declared);
}

/** Models have no lines and columns. */
const PLACELESS = { line: null, column: null, witness: null } as const;

function rangeOf({ interval }: Pick<Draft, 'interval'>): Finding['interval'] {
  if (interval === undefined) return null;
  return 'lo' in interval ? [interval.lo, interval.hi] : interval;
}

function findingOf(
  file: string,
  rule: Rule,
  level: Finding['level'],
  { name, locate, analysis }: Subject,
  draft: Draft,
): Finding {
  const position = locate(draft.path);
  const { requiredBits = null } = draft;
  const declaredBits = analysis.declared?.bits ?? null;
  return {
    rule: rule.name,
    level,
    file,
    line: position?.line ?? null,
    column: position?.column ?? null,
    layer: name,
    message: draft.message,
    interval: rangeOf(draft),
    requiredBits,
    declaredBits,
    headroom: requiredBits === null || declaredBits === null ? null : declaredBits - requiredBits,
    witness: draft.witness ?? null,
    hint: draft.hint,
  };
}

/** Layers whose weights come from outside are judged by their types alone. */
function openFindings(source: LintSource, settings: Settings): Finding[] {
  const level = settings.levels[datatypeCouldOverflow.name];
  if (level === 'off') return [];
  return source.openLayers.flatMap((layer) => {
    const draft = openLayerDraft(layer);
    if (draft === null) return [];
    const requiredBits = draft.requiredBits ?? null;
    return [
      {
        ...PLACELESS,
        rule: datatypeCouldOverflow.name,
        level,
        file: source.file,
        layer: layer.name,
        message: draft.message,
        interval: rangeOf(draft),
        requiredBits,
        declaredBits: layer.declared.bits,
        headroom: requiredBits === null ? null : layer.declared.bits - requiredBits,
        hint: draft.hint,
      },
    ];
  });
}

/** A reason that says what option is missing is its own remedy. */
function namesOption(message: string): boolean {
  return /--(extent|bind|input-type) /.test(message);
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
    hint: namesOption(message) ? null : 'run it in the clear, or export it as one of the convolutions',
  }));
}
