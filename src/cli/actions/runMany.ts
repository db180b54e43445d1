import { printable } from '../../../compiler/base/printable.ts';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import type { PlanCore } from '../../frontend/planFile.ts';
import { writeOutput } from '../../frontend/outputs.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { loadInput } from '../../frontend/tensors.ts';
import { layoutOf } from '../../model/modelFlow.ts';
import { fitStack, readInputFiles } from '../../model/modelInputs.ts';
import { stackOutputs, writeModelOutputs } from '../../model/modelOutputs.ts';
import type { JoinedModel } from '../../model/modelPlan.ts';
import type { NamedTensors } from '../../model/runFlow.ts';
import { ModelRunner } from '../../model/runModel.ts';
import type { ModelRunOptions, ModelRunResult } from '../../model/runModel.ts';
import { openRunner } from '../../run.ts';
import type { RunOptions, RunResult } from '../../run.ts';
import { planInputs } from '../planInputs.ts';
import { runFolder, runOne, throughput } from '../manyInputs.ts';
import type { InputFiles, ManyResult } from '../manyInputs.ts';
import type { Session } from '../session.ts';
import { stackTensors } from '../stackTensors.ts';
import { verdict } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';

/** `run` of many inputs: keys and weights are made once, every result is compared as that of one is. */

interface ManyFlags {
  readonly output: string | undefined;
  readonly json: boolean;
  readonly rules: PictureRules;
}

/** A convolution over every input of a folder or stack. */
export async function runManyPlans(
  stored: PlanCore,
  files: InputFiles,
  flags: ManyFlags,
  options: RunOptions,
  io: Terminal,
): Promise<void> {
  const runner = await openRunner(stored.plan, options);
  const session: Session<Tensor, RunResult> = {
    atOnce: 1,
    load: async ([file = '']) =>
      planInputs(await loadInput(file), stored.plan.spec, stored.layout, flags.rules, io.notice),
    infer: (input) => runner.run(input),
    write: async (path, results) => {
      // A wrong result is never written down as if it were one.
      if (results.every(({ report }) => report.match))
        await writeOutput(path, stackTensors(results.map(({ output }) => output)), stored.layout, io.notice);
    },
  };
  try {
    await perform(session, files, flags, io);
  } finally {
    runner.dispose();
  }
}

/** A model over every input of a folder or stack. */
export async function runManyModels(
  plan: JoinedModel,
  files: InputFiles,
  flags: ManyFlags,
  options: ModelRunOptions,
  io: Terminal,
): Promise<void> {
  await using runner = await ModelRunner.open(plan, { ...options, keep: true });
  const session: Session<NamedTensors, ModelRunResult> = {
    atOnce: 1,
    load: async (paths) => fitStack(plan, await readInputFiles(plan.inputs, paths), io.notice, flags.rules),
    infer: (input) => runner.run(input),
    write: async (path, results) => {
      if (!results.every(({ report }) => report.match)) return;
      const outputs = stackOutputs(results.map((result) => result.outputs));
      await writeModelOutputs(path, { outputs, layout: layoutOf(plan) }, io.notice);
    },
  };
  await perform(session, files, flags, io);
}

/** A result of either kind. */
interface Compared {
  readonly report: { readonly match: boolean };
}

/** Every input of a folder or stack, and what is said of them all. */
export async function perform<Input, Output extends Compared>(
  session: Session<Input, Output>,
  files: InputFiles,
  { output, json }: ManyFlags,
  io: Terminal,
): Promise<void> {
  const result =
    files.kind === 'folder'
      ? await runFolder(session, files.paths, output, io)
      : await runOne(session, files.paths, output, io);
  const all = result.files.flatMap(({ outputs }) => outputs);
  const wrong = all.filter(({ report }) => !report.match).length;
  io.print(json ? `${JSON.stringify(jsonOf(result, wrong === 0))}\n` : textOf(result, wrong));
  if (wrong > 0) io.finish({ kind: 'mismatch' });
}

function jsonOf<Output extends Compared>({ files, count, ms }: ManyResult<Output>, match: boolean): object {
  return {
    match,
    inferences: count,
    ms,
    perSecond: (count * 1000) / ms,
    results: files.flatMap(({ input, outputs }) => outputs.map(({ report }) => ({ input, ...report }))),
  };
}

function textOf<Output extends Compared>(result: ManyResult<Output>, wrong: number): string {
  const lines = result.files.flatMap(({ input, outputs }) =>
    outputs.map(({ report: { match } }, index) => {
      const which = outputs.length > 1 ? ` [${index}]` : '';
      return `${printable(input)}${which}: ${match ? 'equal' : 'MISMATCH'}`;
    }),
  );
  const last =
    wrong === 0
      ? `equal: all ${result.count} inferences`
      : `MISMATCH: ${wrong} of ${result.count} inferences`;
  return `${[...lines, throughput(result)].join('\n')}\n${verdict(wrong === 0, last)}\n`;
}
