import { analyze, PROBABILITY_BUDGET } from './analyze.ts';
import type { Analysis, Samples } from './analyze.ts';
import type { Finding, Layer, LintReport } from './finding.ts';
import { layerOf, openLayerOf } from './layer.ts';
import { LAYER_RULES } from './registry.ts';
import type { Draft, LintSource, Rule, SourceLayer, Subject } from './rule.ts';
import { datatypeCouldOverflow, openLayerDraft } from './rules/datatypeCouldOverflow.ts';
import { unsupportedMessages, unsupportedOperator } from './rules/unsupportedOperator.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import type { Settings } from './settings.ts';
import { requiredBitsFor } from './texts.ts';

/** How what one file holds is linted. */
interface SourceContext {
  readonly settings: Settings;
  /** Runs the sample inputs that fit a convolution; null without any. */
  readonly samples: ((layer: SourceLayer) => Samples | null) | null;
  readonly probabilityBudget: number;
}

const DEFAULT_CONTEXT: SourceContext = {
  settings: DEFAULT_SETTINGS,
  samples: null,
  probabilityBudget: PROBABILITY_BUDGET,
};

/**
 * Lints what one file holds; it reads nothing, so that it runs in a browser too.
 * @throws CipherconvError for sample inputs that fit a convolution's shape but not its range.
 */
export function lintSource(
  source: LintSource,
  { settings, samples: samplesFor, probabilityBudget }: SourceContext = DEFAULT_CONTEXT,
): LintReport {
  const findings: Finding[] = [];
  const layers: Layer[] = [];
  const budget = probabilityBudget / Math.max(1, source.layers.length);
  const analysed = source.layers.map((layer) => {
    const samples = samplesFor === null ? null : samplesFor(layer);
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
