import type { ParsedConfig } from '../frontend/config.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import type { LintReport } from '../lint/finding.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { ModelPlan } from '../model/modelPlan.ts';
import { refusalOf } from '../report/data/layerReport.ts';
import { reportOf } from '../report/data/reportOf.ts';
import { reportDocument } from '../report/html/document.ts';

/** The reports of `cipherconv report`, of what the playground has linted and compiled already. */

/**
 * The report of a filter, as a whole document.
 * @param compiled its plan, or the error that it was refused with
 */
export function filterReport(
  { spec, file }: ParsedConfig,
  { findings, layers }: LintReport,
  compiled: { readonly plan: StoredPlan } | { readonly error: unknown },
): string {
  const layer = {
    name: spec.name,
    op: 'ConvInteger',
    spec,
    compiled: 'plan' in compiled ? compiled.plan : refusalOf(compiled.error),
    analysis: layers[0] ?? null,
  };
  return reportDocument(reportOf({ kind: 'convolution', file, layer, findings }));
}

/** The report of a model, as a whole document. */
export function modelReport(
  plan: ModelPlan,
  { findings, layers }: LintReport,
  { file, digest }: { readonly file: string; readonly digest: string },
): string {
  const analysed = new Map(layers.map((layer) => [layer.name, layer]));
  const sources = layersOf(plan).map(({ name, op, stored }) => ({
    name,
    op,
    spec: stored.plan.spec,
    compiled: stored,
    analysis: analysed.get(name) ?? null,
  }));
  const { name } = plan;
  const subject = { kind: 'model', file, name, digest, openLayers: [], flow: plan, findings } as const;
  return reportDocument(reportOf({ ...subject, layers: sources }));
}
