import { longWork } from '../../../runtime/longWork.ts';
import { readBytes, requireWritable, writeWhole } from '../../frontend/files.ts';
import { loadServerPlan, naming, requireSeparate } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface EvaluateFlags {
  readonly plan: string;
  readonly evaluationKeys?: string | undefined;
  readonly input: string;
  readonly output: string;
}

export async function evaluate(flags: EvaluateFlags, io: Terminal): Promise<void> {
  const keyFile = flags.evaluationKeys;
  await requireSeparate(
    [
      { what: '--plan', path: flags.plan },
      { what: '--input', path: flags.input },
      ...(keyFile === undefined ? [] : [{ what: '--evaluation-keys', path: keyFile }]),
    ],
    [{ what: '--output', path: flags.output }],
  );
  await requireWritable(flags.output);
  const stored = await loadServerPlan(flags.plan);
  const upload = await readBytes(flags.input);
  const keys = keyFile === undefined ? null : { path: keyFile, bytes: await readBytes(keyFile) };
  io.progress('prepare', 0, 1);
  const { createPlanServer } = await late(import('../../server/planServer.ts'));
  const server = await createPlanServer(stored);
  try {
    if (keys !== null)
      naming(keys.path, () => {
        server.checkEvaluationKeys(keys.bytes);
      });
    io.progress('evaluate', 0, 1);
    const response = naming(flags.input, () => longWork(() => server.evaluate(upload, keys?.bytes)));
    io.endProgress();
    await writeWhole(flags.output, response);
  } finally {
    server.dispose();
  }
}
