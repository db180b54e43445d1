import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { RunResult } from '../run.ts';
import { printable } from '../../compiler/base/printable.ts';
import { describeInterval, describeModulus, plural } from './planText.ts';
import { verdict } from './terminal.ts';

export function bytesText(bytes: number): string {
  if (bytes < 1000) return plural(bytes, 'byte');
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function millisecondsText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

const NO_WORDS = 'the words were not compared (--judge full)';

/** Whether SEAL says otherwise. */
function isContradicted({ seal }: RunResult['report']): boolean {
  return seal !== null && (!seal.decryptsEqual || seal.wordsEqual === false);
}

/** What SEAL says of the run, as its judge. */
function judgeText({ seal, engine, counts }: RunResult['report']): string {
  if (counts.outputCiphertexts === 0) return 'had nothing to judge: every output is known without encryption';
  if (seal === null) return engine === 'seal' ? 'encrypted and decrypted itself' : 'was not asked';
  const said = (isSo: boolean, what: string): string => `${isSo ? '' : 'DISAGREES: not '}${what}`;
  const words = seal.wordsEqual === null ? NO_WORDS : said(seal.wordsEqual, 'the same words');
  return `${said(seal.decryptsEqual, 'the same integers decrypted')}; ${words}`;
}

/** What SEAL says of the layers of a model. */
export function modelJudgeText(layers: readonly (RunResult['report'] & { readonly name: string })[]): string {
  const judged = layers.filter(({ seal, counts }) => seal !== null && counts.outputCiphertexts > 0);
  if (judged.length === 0)
    return layers.some(({ engine }) => engine === 'seal')
      ? 'encrypted and decrypted itself'
      : 'was not asked';
  const wrong = judged.find(isContradicted);
  if (wrong !== undefined) return `DISAGREES: ${printable(wrong.name)}: ${judgeText(wrong)}`;
  const worded = judged.filter(({ seal }) => seal?.wordsEqual === true).length;
  return (
    `the same integers decrypted, of ${plural(judged.length, 'layer')}; ` +
    (worded === 0 ? NO_WORDS : `the same words, of ${plural(worded, 'layer')}`)
  );
}

/** What a person reads after a run. The last line says whether every integer is right. */
export function describeRun(plan: Plan, { report, firstMismatch, weights }: RunResult): string {
  const { noise, ms, bytes } = report;
  const steps = Object.entries(ms).map(([step, time]) => `${step} ${millisecondsText(time)}`);
  const lines = [
    `accumulator   ${describeInterval(plan.analysis.interval)}`,
    `parameters    N = ${report.params.degree}, t = ${report.params.plainModulus}, q of ${describeModulus(plan)}`,
    `noise budget  predicted ${noise.predictedBudgetBits}, measured ${plural(noise.measuredBudgetBits, 'bit')}`,
    `bytes         keys ${bytesText(bytes.keys)}, upload ${bytesText(bytes.upload)}, response ${bytesText(bytes.response)}`,
    `weights       ${plural(weights.count, 'polynomial')}, ${bytesText(weights.bytes)}${report.kernel === 'ntt' ? ' in NTT form' : ''}, ` +
      (weights.kind === 'resident'
        ? 'made once and kept'
        : 'made at each use: they exceed the memory allowed'),
    `time          ${steps.join(', ')}`,
    `SEAL          ${judgeText(report)}`,
  ];
  const equal = report.outputs - report.mismatches;
  const last =
    firstMismatch === null
      ? `${report.match ? 'equal' : 'MISMATCH: SEAL disagrees, though equal to the convolution in the clear'}: ${equal} of ${report.outputs}`
      : `MISMATCH: ${report.mismatches} of ${report.outputs} differ, first at index ${firstMismatch.index}: ` +
        `expected ${firstMismatch.expected}, decrypted ${firstMismatch.actual}`;
  return `${lines.join('\n')}\n${verdict(report.match, last)}\n`;
}
