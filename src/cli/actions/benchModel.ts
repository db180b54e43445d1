import { describeMachine, peakRssMiB } from '../../bench/benchReport.ts';
import { readTicks, stolenShare } from '../../bench/stolenTime.ts';
import type { ModelFlags } from '../../frontend/onnx/modelOptions.ts';
import { compileModelAsync } from '../../model/compileModel.ts';
import { loadModel } from '../../model/modelSources.ts';
import { late } from '../interrupt.ts';
import { describeModelBench } from '../modelBenchText.ts';
import type { Terminal } from '../terminal.ts';

/** `bench --model MODEL`. Nothing of the model is needed but its layers. */
export async function benchModelFile(
  path: string,
  flags: ModelFlags,
  json: boolean,
  io: Terminal,
): Promise<void> {
  const model = await loadModel(path, flags);
  const plan = await compileModelAsync(model, {}, (layer, total) => {
    io.progress('compile', layer, total);
  });
  // Loaded late: what encrypts is large, and a model that cannot be compiled is refused before.
  const { benchModel } = await late(import('../../bench/modelBench.ts'));
  const ticks = readTicks();
  const measured = await benchModel(plan, (layer, total) => {
    io.progress('bench', layer, total);
  });
  io.endProgress();
  const stolen = stolenShare(ticks, readTicks());
  const report = {
    machine: { ...describeMachine(), stolen },
    ...measured,
    peakRssMiB: peakRssMiB(),
  };
  io.print(json ? `${JSON.stringify(report)}\n` : describeModelBench(report));
  if (!report.total.match) io.finish({ kind: 'mismatch' });
}
