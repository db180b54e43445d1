import { CipherconvError } from '../../compiler/errors.ts';
import type { ParsedConfig } from '../frontend/config.ts';
import { LocatedError } from '../frontend/positions.ts';
import { loadConfig } from '../frontend/sources.ts';
import { accumulatorOverflow } from './accumulatorOverflow.ts';
import { analyze } from './analyze.ts';
import type { Analysis, Tier } from './analyze.ts';
import { datatypeCouldOverflow } from './datatypeCouldOverflow.ts';
import type { Finding, Layer, LayerTier, LintReport } from './finding.ts';
import { findConfigs } from './search.ts';
import type { Rule } from './subject.ts';
import { BEYOND_BFV_HINT } from './texts.ts';

const RULES: readonly Rule[] = [accumulatorOverflow, datatypeCouldOverflow];

/**
 * Lints files, folders and globs; none means the current folder. Loads no cryptography. A file that cannot be read is
 * a finding, so that the others are linted all the same.
 * @throws CipherconvError `unreadable` when an argument leads to no file at all.
 */
export async function lint(paths: readonly string[]): Promise<LintReport> {
  const findings: Finding[] = [];
  const layers: Layer[] = [];
  for (const path of await findConfigs(paths)) {
    try {
      const config = await loadConfig(path);
      const linted = lintConfig(config);
      findings.push(...linted.findings);
      layers.push(...linted.layers);
    } catch (error) {
      if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
      findings.push(refusalFinding(error, path));
    }
  }
  return { findings, layers };
}

/** Lints one parsed config. */
export function lintConfig(config: ParsedConfig): LintReport {
  const analysis = analyze(config.spec);
  return {
    findings: RULES.flatMap((rule) => rule({ config, analysis })),
    layers: [layerOf(config, analysis)],
  };
}

function layerOf({ spec }: ParsedConfig, { taps, declared, datatype, exact }: Analysis): Layer {
  return {
    name: spec.name,
    op: 'ConvInteger',
    taps,
    interval: [exact.interval.lo, exact.interval.hi],
    requiredBits: exact.required.bits,
    declaredBits: declared?.bits ?? null,
    tiers: { datatype: { ...tierOf(datatype), largestTaps: datatype.largestTaps }, exact: tierOf(exact) },
  };
}

function tierOf({ kind, interval, required }: Tier): LayerTier {
  return { kind, interval: [interval.lo, interval.hi], requiredBits: required.bits };
}

/** A config that cannot be analysed: too wide for exact arithmetic is a finding about it, anything else is bad input. */
function refusalFinding(error: CipherconvError, path: string): Finding {
  const located = error instanceof LocatedError ? error : null;
  const isTooWide = error.code === 'beyond-bfv';
  const { hint } = error.details;
  return {
    rule: isTooWide ? 'beyond-bfv' : 'unreadable',
    level: 'error',
    file: located?.file ?? path,
    line: located?.position?.line ?? (isTooWide ? 1 : null),
    column: located?.position?.column ?? (isTooWide ? 1 : null),
    layer: null,
    message: explanation(error),
    interval: null,
    requiredBits: null,
    declaredBits: null,
    headroom: null,
    witness: null,
    hint: hint ?? (isTooWide ? BEYOND_BFV_HINT : null),
  };
}

/** The error in one line, without the file, which the finding names by itself. */
function explanation({ details }: CipherconvError): string {
  const { message, expected, found } = details;
  const parts = [
    expected === undefined ? null : `expected ${expected}`,
    found === undefined ? null : `found ${found}`,
  ];
  const rest = parts.filter((part) => part !== null).join(', ');
  return rest === '' ? message : `${message}: ${rest}`;
}
