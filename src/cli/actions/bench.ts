import { CipherconvError } from '../../../compiler/base/errors.ts';
import { describeMachine, peakRssMiB as measurePeakRss } from '../../bench/benchReport.ts';
import type { BenchReport } from '../../bench/benchReport.ts';
import type { ComparedLayer } from '../../bench/compare.ts';
import { compareTable } from '../../bench/compareText.ts';
import { LAYERS } from '../../bench/layers.ts';
import type { LayerShape } from '../../bench/layers.ts';
import { readTicks, stolenShare } from '../../bench/stolenTime.ts';
import type { ModelFlags } from '../../frontend/onnx/modelOptions.ts';
import { refuseModelFlags } from '../../model/modelSources.ts';
import { requireWritable, writeWhole } from '../../frontend/files.ts';
import { describeBench } from '../benchText.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

/** Layers large enough for several workers to matter. */
const WORKER_LAYERS = ['L7', 'L8', 'L9'];
/** Layers that both lowerings can do, compared where none are named. */
const COMPARED = ['L1', 'L2', 'L6'];

interface BenchFlags {
  readonly layers?: readonly string[] | undefined;
  readonly workers?: number | undefined;
  readonly compare?: true | undefined;
  readonly model?: string | undefined;
  readonly chart?: string | undefined;
  readonly json?: true | undefined;
}

export async function bench(flags: BenchFlags, model: ModelFlags, io: Terminal): Promise<void> {
  if (flags.model !== undefined) {
    refuseWithModel(flags);
    const { benchModelFile } = await late(import('./benchModel.ts'));
    await benchModelFile(flags.model, model, flags.json === true, io);
    return;
  }
  refuseModelFlags(model);
  const named = flags.layers === undefined ? null : layersOf(flags.layers);
  if (flags.compare === true) {
    refuseWithCompare(flags);
    await compare(named ?? LAYERS.filter(({ id }) => COMPARED.includes(id)), flags.json === true, io);
    return;
  }
  if (flags.chart !== undefined) await requireWritable(flags.chart);
  const layers = named ?? LAYERS;
  const report = await measure(layers, flags.workers ?? null, io);
  io.endProgress();
  if (flags.chart !== undefined) {
    const { benchChart } = await late(import('../../report/benchChart.ts'));
    await writeWhole(flags.chart, await benchChart(report));
    io.notice(`${flags.chart}: written`);
  }
  io.print(flags.json === true ? `${JSON.stringify(report)}\n` : describeBench(report));
  if (report.layers.some(({ match }) => !match)) io.finish({ kind: 'mismatch' });
}

/** @throws CipherconvError `usage` for a layer that is none. */
function layersOf(ids: readonly string[]): LayerShape[] {
  return ids.map((id) => {
    const layer = LAYERS.find((candidate) => candidate.id === id);
    if (layer !== undefined) return layer;
    throw new CipherconvError({
      code: 'usage',
      where: '--layers',
      message: 'no such layer',
      expected: LAYERS.map((known) => known.id).join(', '),
      found: id,
    });
  });
}

/** @throws CipherconvError `usage` for options that would have no effect. */
function refuseWithModel({ layers, workers, compare: compared, chart }: BenchFlags): void {
  const options = { '--layers': layers, '--workers': workers, '--compare': compared, '--chart': chart };
  const given = Object.entries(options).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    message: `${given[0]} has no effect with --model`,
    hint: 'leave one of the two out',
  });
}

/** @throws CipherconvError `usage` for options that would have no effect. */
function refuseWithCompare({ workers, chart }: BenchFlags): void {
  const given = workers !== undefined ? '--workers' : chart !== undefined ? '--chart' : null;
  if (given === null) return;
  throw new CipherconvError({
    code: 'usage',
    message: `${given} has no effect with --compare`,
    hint: 'leave one of the two out',
  });
}

async function compare(layers: readonly LayerShape[], json: boolean, io: Terminal): Promise<void> {
  const { compareLayer } = await late(import('../../bench/compare.ts'));
  const compared: ComparedLayer[] = [];
  for (const layer of layers) {
    io.progress(`compare ${layer.id}`, compared.length, layers.length);
    compared.push(await compareLayer(layer));
  }
  io.endProgress();
  io.print(json ? `${JSON.stringify({ layers: compared })}\n` : compareTable(compared));
  const wrong = compared.some(({ runs }) => runs.some((run) => run.kind === 'ran' && !run.match));
  if (wrong) io.finish({ kind: 'mismatch' });
}

async function measure(
  layers: readonly LayerShape[],
  workers: number | null,
  io: Terminal,
): Promise<BenchReport> {
  // Loaded late: node-seal is large, and wrong options are refused before.
  const { benchLayer } = await late(import('../../bench/layerBench.ts'));
  const { benchWorkers } = await late(import('../../bench/workersBench.ts'));
  const machine = describeMachine();
  const ticks = readTicks();
  const most = workers ?? machine.cores;
  const counts = most > 1 ? [1, most] : [1];
  const forWorkers = layers.filter(({ id }) => WORKER_LAYERS.includes(id));
  const steps = layers.length + forWorkers.length;
  let done = 0;
  const results: BenchReport['layers'][number][] = [];
  for (const layer of layers) {
    io.progress(`bench ${layer.id}`, done++, steps);
    results.push(await benchLayer(layer));
  }
  // Before the workers: what several threads take together is not what one evaluation takes.
  const peakRssMiB = measurePeakRss();
  const times: BenchReport['workers'][number][] = [];
  for (const layer of forWorkers) {
    io.progress(`bench ${layer.id} on ${counts.join(' and ')} threads`, done++, steps);
    times.push(...(await benchWorkers(layer, counts)));
  }
  if (results.length === 0) throw new CipherconvError({ code: 'usage', message: 'no layer was named' });
  const stolen = stolenShare(ticks, readTicks());
  return { machine: { ...machine, stolen }, layers: results, workers: times, peakRssMiB };
}
