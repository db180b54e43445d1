import { keyBytes } from '../../compiler/lowerings/plan.ts';
import { printable } from '../../compiler/base/printable.ts';
import { alignColumns } from '../lint/reporters/table.ts';
import { layersOf } from '../model/modelPlan.ts';
import type { ModelLayer, ModelPlan } from '../model/modelPlan.ts';
import type { FloatComparison, ModelComparison } from '../model/modelReport.ts';
import type { ModelRunResult } from '../model/runModel.ts';
import { describeWidth, plural } from './planText.ts';
import { bytesText, millisecondsText } from './runText.ts';
import { bold, verdict } from './terminal.ts';

/** How compiled models and their runs read in text. */

/** What this protocol protects, and what not: said with every run. */
export const PROTECTION = [
  'the server sees ciphertexts only, and computes every encrypted layer on them',
  'the client computes what is between the layers in the clear: it sees every activation, and weights are not hidden from it',
];

/** What the client computes in the clear although it is linear. */
export function clearNotices({ clear }: ModelPlan): string[] {
  return clear.map(
    ({ name, op, reason }) =>
      `${printable(name)} (${printable(op)}) is computed in the clear by the client: ${printable(reason)}`,
  );
}

/** The plan of a model in one line, for those who wrote it to a file. */
export function modelLine(plan: ModelPlan): string {
  const { upload, response, keys } = totals(plan);
  return (
    `${printable(plan.name)}: ${plural(layersOf(plan).length, 'encrypted layer')} in ${plural(plan.rounds.length, 'round')}, ` +
    `${bytesText(upload)} up, ${bytesText(response)} down${keys === 0 ? '' : `, ${bytesText(keys)} of keys`}`
  );
}

function totals(plan: ModelPlan): { upload: number; response: number; keys: number } {
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
export function modelLines(plan: ModelPlan): string[] {
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

function comparisonText(comparison: ModelComparison): string {
  if (comparison.kind === 'layers-only')
    return 'layer by layer: sums too wide for a whole run in onnxruntime';
  const equal = comparison.outputs - comparison.mismatches;
  const what = comparison.kind === 'model' ? 'the whole model' : 'its integer rewrite';
  return `equal: ${equal} of ${comparison.outputs} outputs, compared with ${what} in onnxruntime`;
}

function floatLines(floats: FloatComparison): string[] {
  return [
    `floats        ${floats.differing} of ${floats.requantized} quantized values are rounded otherwise by the model in floats` +
      (floats.differing === 0 ? '' : `, by ${plural(floats.largestSteps, 'step')} at most`),
    `              ${floats.differingOutputs} of ${floats.outputs} outputs differ from it` +
      (floats.differingOutputs === 0 ? '' : `, by ${floats.largestOutputDifference.toPrecision(3)} at most`),
  ];
}

/** What a person reads after a run of a model. The last line says whether all is equal. */
export function describeModelRun(plan: ModelPlan, { report, layers, segmentMs }: ModelRunResult): string {
  const planned = layersOf(plan);
  const rows = report.layers.map((layer, index) => {
    const ms = Object.values(layer.ms).reduce((sum, time) => sum + time, 0);
    const equal = `${layer.outputs - layer.mismatches} of ${layer.outputs}`;
    return [...layerCells(planned[index]!), millisecondsText(ms), equal];
  });
  const all = report.layers.map(({ ms }) => Object.values(ms).reduce((sum, time) => sum + time, 0));
  const bytes = (key: 'upload' | 'response'): string =>
    bytesText(report.layers.reduce((sum, layer) => sum + layer.bytes[key], 0));
  const time = all.reduce((sum, ms) => sum + ms, 0);
  const total = ['total', '', '', '', '', '', bytes('upload'), bytes('response'), millisecondsText(time), ''];
  const table = alignColumns([[...HEADINGS, 'time', 'equal'], ...rows, total], [...ALIGNS, 'right', 'right']);
  const { comparison } = report;
  const wrong = layers.findIndex(({ firstMismatch }) => firstMismatch !== null);
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
    `client        ${millisecondsText(segmentMs)} between the layers, in the clear`,
    ...PROTECTION.map((sentence, index) => `${index === 0 ? 'protection    ' : '              '}${sentence}`),
    ...(comparison === null || comparison.kind === 'model' ? [] : floatLines(comparison.floats)),
  ];
  return `${lines.join('\n')}\n${verdict(report.match, last)}\n`;
}
