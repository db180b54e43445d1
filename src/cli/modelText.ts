import { keyBytes } from '../../compiler/lowerings/plan.ts';
import { printable, shortened } from '../../compiler/base/printable.ts';
import { alignColumns } from '../lint/reporters/table.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { ModelLayer, JoinedModel } from '../model/modelPlan.ts';
import type { ModelComparison, RuntimeStatistic } from '../model/modelReport.ts';
import type { ModelRunResult } from '../model/runModel.ts';
import { describeWidth, plural } from './planText.ts';
import { bytesText, millisecondsText, modelJudgeText } from './runText.ts';
import type { RunReport } from '../runReport.ts';
import { bold, verdict } from './terminal.ts';

/** How compiled models and their runs read in text. */

/** What this protocol protects, and what not: said with every run. */
export function protection(plan: JoinedModel): readonly string[] {
  if (layersOf(plan).length === 0)
    return ['nothing is encrypted: the client computes all of it in the clear'];
  return [
    `the server sees ciphertexts only, and computes every encrypted layer on them: ${macsText(plan)}`,
    'the client computes what is between the layers in the clear: it sees every activation, and weights are not hidden from it',
  ];
}

/** How much of the work is encrypted. */
function macsText({ macs: { encrypted, total } }: JoinedModel): string {
  const share = total === 0 ? 0 : (100 * encrypted) / total;
  // Never 100% of what is not all.
  const percent = encrypted === total ? '100' : (Math.floor(share * 10) / 10).toFixed(1);
  return `${encrypted} of ${total} multiply-accumulates (${percent}%)`;
}

/** What the client computes in the clear although it is linear, or may be. */
export function clearNotices({ clear }: JoinedModel): string[] {
  return clear.map(
    ({ name, op, reason }) =>
      `${shortened(printable(name))} (${printable(op)}) is computed in the clear by the client: ${printable(reason)}`,
  );
}

/** The plan of a model in one line, for those who wrote it to a file. */
export function modelLine(plan: JoinedModel): string {
  const { upload, response, keys } = totals(plan);
  return (
    `${printable(plan.name)}: ${plural(layersOf(plan).length, 'encrypted layer')} in ${plural(plan.rounds.length, 'round')}, ` +
    `${bytesText(upload)} up, ${bytesText(response)} down${keys === 0 ? '' : `, ${bytesText(keys)} of keys`}`
  );
}

function totals(plan: JoinedModel): { upload: number; response: number; keys: number } {
  const plans = layersOf(plan).map(({ stored }) => stored.plan);
  return {
    upload: plans.reduce((sum, { bytes }) => sum + bytes.upload, 0),
    response: plans.reduce((sum, { bytes }) => sum + bytes.response, 0),
    keys: plans.reduce((sum, layer) => sum + keyBytes(layer), 0),
  };
}

function layerCells({ name, op, stored: { plan } }: ModelLayer): string[] {
  const { parameters, analysis, bytes } = plan;
  return [
    printable(name),
    printable(op),
    describeWidth(analysis.required),
    String(parameters.degree),
    String(parameters.plainModulus),
    plan.lowering,
    bytesText(bytes.upload),
    bytesText(bytes.response),
  ];
}

const HEADINGS = ['layer', 'operator', 'accumulator', 'N', 't', 'lowering', 'up', 'down'];
const ALIGNS = ['left', 'left', 'left', 'right', 'right', 'left', 'right', 'right'] as const;

/** The layers of a compiled model as a table, and what the client does. */
export function modelLines(plan: JoinedModel): string[] {
  const { upload, response } = totals(plan);
  const rows = [HEADINGS, ...layersOf(plan).map(layerCells)];
  const total = ['total', '', '', '', '', '', bytesText(upload), bytesText(response)];
  return [
    ...alignColumns([...rows, total], ALIGNS),
    `${plural(plan.rounds.length, 'round')}: layers that do not wait for each other go together`,
    ...plan.segments.flatMap((segment, index) =>
      segment === null
        ? []
        : [`segment ${index + 1}: ${names(segment.inputs)} -> ${names(segment.outputs)}, by the client`],
    ),
    ...clearNotices(plan),
  ];
}

function names(tensors: readonly string[]): string {
  return tensors.map(printable).join(', ') || 'constants';
}

function comparisonText({ outputs, mismatches }: ModelComparison): string {
  return `equal: ${outputs - mismatches} of ${outputs} outputs, compared with the network in integers in the clear`;
}

/** How onnxruntime's outputs compare, or why there are none. */
export function statisticLine(statistic: RuntimeStatistic | null, reason: string | null): string {
  if (statistic === null) return `statistic     none: ${printable(reason ?? 'not asked for')}`;
  const { outputs, differing, largestDifference, sameTop1 } = statistic;
  const how =
    differing === 0
      ? 'none differs'
      : `by ${largestDifference.toPrecision(3)} steps at most, ${sameTop1 ? 'the same' : 'another'} largest value`;
  return `statistic     ${differing} of ${outputs} outputs differ in onnxruntime-web's run of the model as it stands: ${how}`;
}

/** Everything of a layer's run: the other times are parts of these two. */
function timeOf({ ms }: RunReport): number {
  return ms.offline + ms.online;
}

/** What a person reads after a run of a model. The last line says whether all is equal. */
export function describeModelRun(
  plan: JoinedModel,
  { report, statisticReason, layers, segmentMs }: ModelRunResult,
): string {
  const planned = layersOf(plan);
  const rows = report.layers.map((layer, index) => {
    const equal = `${layer.outputs - layer.mismatches} of ${layer.outputs}`;
    return [...layerCells(planned[index]!), millisecondsText(timeOf(layer)), equal];
  });
  const bytes = (key: 'upload' | 'response'): string =>
    bytesText(report.layers.reduce((sum, layer) => sum + layer.bytes[key], 0));
  const time = report.layers.reduce((sum, layer) => sum + timeOf(layer), 0);
  const total = ['total', '', '', '', '', '', bytes('upload'), bytes('response'), millisecondsText(time), ''];
  const table = alignColumns([[...HEADINGS, 'time', 'equal'], ...rows, total], [...ALIGNS, 'right', 'right']);
  const { comparison } = report;
  const wrong = layers.findIndex(({ report: { match } }) => !match);
  const last = report.match
    ? comparison === null
      ? 'equal, layer by layer'
      : comparisonText(comparison)
    : `MISMATCH: ${wrong < 0 ? 'the outputs differ' : `layer ${printable(planned[wrong]?.name ?? '')} differs`}` +
      (comparison === null ? '' : `; ${comparisonText(comparison)}`);
  const lines = [
    bold(table[0] ?? ''),
    ...table.slice(1),
    `rounds        ${report.rounds}`,
    `SEAL          ${modelJudgeText(report.layers)}`,
    `client        ${millisecondsText(segmentMs)} between the layers, in the clear`,
    ...protection(plan).map(
      (sentence, index) => `${index === 0 ? 'protection    ' : '              '}${sentence}`,
    ),
    ...clearNotices(plan).map(
      (sentence, index) => `${index === 0 ? 'in the clear  ' : '              '}${sentence}`,
    ),
    comparison === null
      ? `outputs       not compared: ${printable(statisticReason ?? 'that was not asked for')}`
      : statisticLine(report.statistic, statisticReason),
  ];
  return `${lines.join('\n')}\n${verdict(report.match, last)}\n`;
}
