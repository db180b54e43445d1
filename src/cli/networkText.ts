import { printable } from '../../compiler/base/printable.ts';
import { networkKeys } from '../../compiler/network/counts.ts';
import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { buildNetworkProgram } from '../../compiler/network/program.ts';
import { alignColumns } from '../lint/reporters/table.ts';
import { logitFacts, networkFacts } from '../network/runNetwork.ts';
import type { ModelRunReport } from '../model/modelReport.ts';
import type { NetworkReport } from '../network/runNetwork.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { statisticLine } from './modelText.ts';
import { plural } from './planText.ts';
import { bytesText, millisecondsText } from './runText.ts';
import { bold, verdict } from './terminal.ts';

/** How networks of one round read in text. */

/** What this protocol protects, and what not: said with every run. */
const PROTECTION = [
  'the server sees one ciphertext of the input and computes everything on it: no activation is shown to anyone',
  'the client sees the logits alone; the weights are not hidden from it, whatever it may learn from chosen inputs',
];

/** The plan in one line, for those who wrote it to a file. */
export function networkLine({ spec, parameters, bytes, report }: NetworkPlan): string {
  return (
    `${printable(spec.name)}: ${plural(spec.stages.length - 1, 'square')} in one round, N = ${parameters.degree}, ` +
    `t = ${parameters.plainModuli.join(' * ')}, about ${millisecondsText(report.estimatedMilliseconds)}, ` +
    `${bytesText(bytes.upload)} up, ${bytesText(bytes.response)} down, ${bytesText(bytes.keys)} of keys`
  );
}

/** What `compile --json` and `explain --json` print of a network. */
export function networkSummary(stored: StoredNetwork): object {
  const { plan } = stored;
  const { steps, exchange, relinearization } = networkKeys(programOf(plan), plan.parameters);
  return {
    digest: stored.digest,
    name: plan.spec.name,
    ...networkFacts(plan),
    logits: logitFacts(plan),
    securityBits: plan.parameters.securityBits,
    primes: { data: plan.parameters.dataPrimes, special: plan.parameters.specialPrime },
    stages: plan.spec.stages.map(({ name, inputs, outputs }, index) => {
      const { lo = '0', hi = '0' } = plan.analysis.stages[index] ?? {};
      return { name, inputs, outputs, interval: [lo, hi], primes: plan.primes[index] };
    }),
    keys: { steps, exchange, relinearization },
    noise: plan.noise,
    counts: plan.counts,
    bytes: plan.bytes,
    report: plan.report,
  };
}

function programOf({ spec, parameters, layout }: NetworkPlan): ReturnType<typeof buildNetworkProgram> {
  return buildNetworkProgram(spec, parameters.degree, layout);
}

function stageRows(plan: NetworkPlan): string[][] {
  return plan.spec.stages.map(({ name, inputs, outputs }, index) => {
    const { lo = '0', hi = '0' } = plan.analysis.stages[index] ?? {};
    const choice = plan.layout[index - 1];
    const left = plan.primes[index];
    const bits = Math.log2(Number(BigInt(hi) - BigInt(lo) + 1n)).toFixed(1);
    return [
      printable(name),
      `${inputs} -> ${outputs}`,
      `[${lo}, ${hi}]`,
      bits,
      choice === undefined
        ? 'inputs placed by the client'
        : `${2 ** choice.copyBits} copies, ${choice.inner}, ${plural(choice.babies, 'baby', 'babies')}`,
      left === undefined ? '' : `${left.products}, ${left.sums}`,
    ];
  });
}

/** `explain` of a network. */
export function explainNetwork(stored: StoredNetwork): string {
  const { plan } = stored;
  const { parameters, analysis, counts, bytes, report, noise } = plan;
  const facts = networkFacts(plan);
  const { lo, hi, provedBits } = logitFacts(plan);
  const keys = networkKeys(programOf(plan), parameters);
  const headings = ['linear map', 'values', 'interval', 'bits', 'layout', 'primes'];
  const aligns = ['left', 'left', 'left', 'right', 'left', 'left'] as const;
  const total = facts.params.coeffModulusBits.reduce((sum, bits) => sum + bits, 0);
  const steps = [...(keys.exchange ? ['exchange'] : []), ...keys.steps];
  const sections: [string, string[]][] = [
    [
      'Network',
      [...alignColumns([headings, ...stageRows(plan)], aligns), 'every value is squared between two maps'],
    ],
    [
      'Logits',
      [
        `all: [${lo}, ${hi}], the widest takes 2^${provedBits.toFixed(2)} values: proved for every input`,
        ...analysis.logits
          .slice(0, 10)
          .map((logit, index) => `  logit ${index}: [${logit.lo}, ${logit.hi}] in steps of ${logit.modulus}`),
        `t = ${parameters.plainModuli.join(' * ')}`,
      ],
    ],
    [
      'Parameters',
      [
        `N = ${parameters.degree}, q of ${facts.params.coeffModulusBits.join(' + ')} = ${total} bits, the last one special; ${parameters.securityBits} bits of security`,
        `noise budget left: at least ${plural(noise.predictedBudgetBits, 'bit')}, but with probability 2^-128 by the model of SECURITY.md`,
      ],
    ],
    [
      'Cost',
      [
        `${plural(counts.moduli, 'plain modulus', 'plain moduli')}, each: ${plural(counts.inputCiphertexts, 'input ciphertext')}, ${plural(counts.products, 'product')}, ${plural(counts.rotations, 'rotation')}, ${plural(counts.squares, 'square')}`,
        `rotations by ${steps.join(', ') || 'nothing'}: ${plural(steps.length + (keys.relinearization ? 1 : 0), 'key')}, ${bytesText(bytes.keys)}`,
        `${bytesText(bytes.upload)} up, ${bytesText(bytes.response)} down, about ${millisecondsText(report.estimatedMilliseconds)} on one core`,
        ...report.refused.map(({ degree, reason }) => `not N = ${degree}: ${reason}`),
      ],
    ],
    ['Protection', PROTECTION],
  ];
  const text = sections
    .map(([title, lines]) => `${bold(title)}\n${lines.map((line) => `  ${line}\n`).join('')}`)
    .join('\n');
  return `${bold(printable(plan.spec.name))}  digest ${stored.digest}\n\n${text}`;
}

/** What `run` says of a network beside the integers. */
export interface NetworkRun {
  readonly report: NetworkReport & Pick<ModelRunReport, 'statistic'>;
  /** Why there is no statistic; null where there is one. */
  readonly statisticReason: string | null;
}

/** What a person reads after a run. */
export function describeNetworkRun(
  plan: NetworkPlan,
  { report, statisticReason }: NetworkRun,
  scores: readonly number[],
): string {
  const { ms, bytes, noise } = report;
  const best = scores.indexOf(Math.max(...scores));
  const lines = [
    `network       ${networkLine(plan)}`,
    `scores        ${scores.map((score) => score.toPrecision(6).replace(/\.?0+$/, '')).join(', ')}`,
    `largest       number ${best}`,
    `noise         ${plural(noise.measuredBudgetBits, 'bit')} of budget left, at least ${noise.predictedBudgetBits} predicted`,
    `time          keys ${millisecondsText(ms.keygen)}, prepare ${millisecondsText(ms.prepare)}, encrypt ${millisecondsText(ms.encrypt)}, ` +
      `evaluate ${millisecondsText(ms.evaluate)}, decrypt ${millisecondsText(ms.decrypt)}`,
    `bytes         ${bytesText(bytes.upload)} up, ${bytesText(bytes.response)} down, ${bytesText(bytes.keys)} of keys`,
    statisticLine(report.statistic, statisticReason),
    ...PROTECTION.map((sentence, index) => `${index === 0 ? 'protection    ' : '              '}${sentence}`),
  ];
  const last = report.match
    ? `equal: ${report.outputs} of ${report.outputs} logits, under SEAL, simulated and in the clear`
    : `MISMATCH: ${report.mismatches} of ${report.outputs} logits differ`;
  return `${lines.join('\n')}\n${verdict(report.match, last)}\n`;
}
