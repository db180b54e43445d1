import type { Command } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/errors.ts';
import { isToeplitz } from '../../compiler/plan.ts';
import { compileConfig } from '../compile.ts';
import { requireWritable, STANDARD_STREAM, writeWhole } from '../frontend/files.ts';
import { encodePlan } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { loadConfig } from '../frontend/sources.ts';
import { planFacts } from '../runReport.ts';
import { compileOptions, addCompileOptions } from './compileOptions.ts';
import { oneLine } from './planText.ts';
import type { Terminal } from './terminal.ts';
import { refuseUnbuilt } from './unbuilt.ts';

/** `compile CONFIG`: config to plan. */
export function addCompile(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('compile')
    .description('compile a filter config to a verified plan')
    .argument('<config>', 'a filter config (*.conv.json), or - for stdin')
    .option('-o, --output <file>', 'where the plan goes (default: stdout)')
    .option('--client-plan <file>', 'also write the part of the plan that clients need')
    .option('--json', 'print a summary as JSON instead of the plan');
  addCompileOptions(command);
  command.action(async (path, flags, self) => {
    const { print, notice } = terminal();
    const options = compileOptions(self);
    if (flags.clientPlan !== undefined) refuseUnbuilt('--client-plan');
    const file = flags.output === STANDARD_STREAM ? undefined : flags.output;
    if (flags.json === true && flags.output === STANDARD_STREAM) {
      throw new CipherconvError({ code: 'usage', message: 'the plan and --json cannot both go to stdout' });
    }
    if (file !== undefined) await requireWritable(file);
    const stored = compileConfig(await loadConfig(path), options);
    if (file !== undefined) {
      await writeWhole(file, encodePlan(stored));
      notice(`${file}: ${oneLine(stored)}`);
    } else if (flags.json !== true) print(encodePlan(stored));
    if (flags.json === true) print(`${JSON.stringify(planSummary(stored))}\n`);
  });
}

/** What `compile --json` and `explain --json` print: the plan without weights, windows and packing details of layers. */
export function planSummary({ plan, layout, digest }: StoredPlan): object {
  return {
    digest,
    name: plan.spec.name,
    layout,
    ...planFacts(plan),
    requiredBits: plan.analysis.required.bits,
    declaredBits: plan.spec.accumulator?.bits ?? null,
    channels: plan.analysis.channels.map(({ lo, hi }) => [lo, hi]),
    securityBits: plan.parameters.securityBits,
    primes: {
      data: plan.parameters.dataPrimes,
      special: plan.parameters.specialPrime,
    },
    packing: plan.packing,
    ...(isToeplitz(plan) ? {} : { keys: plan.keys }),
    noise: plan.noise,
    wire: plan.wire,
    report: plan.report,
  };
}
