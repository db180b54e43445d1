import { CipherconvError } from '../../compiler/base/errors.ts';
import { longWork } from '../../runtime/longWork.ts';
import { TooWideError } from '../frontend/config.ts';
import { displayName } from '../frontend/files.ts';
import { PROBABILITY_BUDGET } from './analyze.ts';
import { openCalibration } from './calibrationInputs.ts';
import type { CalibrationInputs } from './calibrationInputs.ts';
import type { Finding, Layer, LintReport } from './finding.ts';
import { lintSource } from './lintSource.ts';
import { tooWideFinding, unreadableFinding } from './refusal.ts';
import { findSources } from './search.ts';
import { withOverrides } from './settings.ts';
import type { Overrides, Settings } from './settings.ts';
import { createSettingsFinder, namedSettings } from './settingsFiles.ts';
import { samplerOf } from './sampler.ts';
import { holdTo, readSource } from './sources.ts';
import type { ReadSource } from './sources.ts';
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
interface LintContext {
  readonly settings: Settings;
  readonly calibration: CalibrationInputs | null;
  readonly probabilityBudget: number;
  readonly model?: ModelOptions;
  readonly accumulatorBits?: number;
}

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
  const calibration = options.calibration === undefined ? null : await openCalibration(options.calibration);
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
  let read: ReadSource;
  try {
    read = await readSource(path, context.model);
  } catch (error) {
    if (error instanceof TooWideError) {
      const finding = tooWideFinding(error, context.settings);
      return { findings: finding === null ? [] : [finding], layers: [] };
    }
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const finding = unreadableFinding(error, displayName(path), context.settings);
    return { findings: finding === null ? [] : [finding], layers: [] };
  }
  const { settings, calibration, probabilityBudget } = context;
  const source = holdTo(read.source, context.accumulatorBits);
  const whole = read.model === null ? null : ({ kind: 'model', model: read.model } as const);
  const samples = calibration === null ? null : await samplerOf(source, whole, calibration);
  return longWork(() => lintSource(source, { settings, samples, probabilityBudget }));
}
