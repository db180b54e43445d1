import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ComparedLayer } from '../bench/compare.ts';
import { compareTable } from '../bench/compareText.ts';
import { describeMachine, peakRssMiB as measurePeakRss } from '../bench/benchReport.ts';
import type { BenchReport } from '../bench/benchReport.ts';
import { readTicks, stolenShare } from '../bench/stolenTime.ts';
import { LAYERS } from '../bench/layers.ts';
import type { LayerShape } from '../bench/layers.ts';
import { requireWritable, writeWhole } from '../frontend/files.ts';
import { describeBench } from './benchText.ts';
import type { Terminal } from './terminal.ts';

function parseLayers(text: string): LayerShape[] {
  return text.split(',').map((id) => {
    const layer = LAYERS.find((candidate) => candidate.id === id.trim());
    if (layer === undefined) {
      throw new InvalidArgumentError(`Known layers are ${LAYERS.map((known) => known.id).join(', ')}.`);
    }
    return layer;
  });
}

function parseWorkers(text: string): number {
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= 256) return workers;
  throw new InvalidArgumentError('Expected a number from 1 to 256.');
}

/** Layers large enough for several workers to matter. */
const WORKER_LAYERS = ['L7', 'L8', 'L9'];
/** Layers that both lowerings can do, compared where none are named. */
const COMPARED = ['L1', 'L2', 'L6'];

/** `bench`: the layer table of docs/performance.md on this machine. */
export function addBench(program: Command, terminal: () => Terminal): void {
  program
    .command('bench')
    .description('time the benchmark layers: every kernel, the floor, the cleartext')
    .option('--layers <list>', 'only these, separated by commas: L1,L8', parseLayers)
    .option('--workers <n>', 'also time large layers on 1 and n threads (default: all cores)', parseWorkers)
    .option(
      '--compare',
      'instead, toeplitz against diagonals: keys, bytes, rotations and times (default: L1,L2,L6)',
    )
    .option('--chart <file>', 'write the table as a chart, SVG')
    .option('--json', 'print the figures as JSON')
    .action(async (flags) => {
      const io = terminal();
      if (flags.compare === true) {
        refuseWithCompare(flags);
        await compare(
          flags.layers ?? LAYERS.filter(({ id }) => COMPARED.includes(id)),
          flags.json === true,
          io,
        );
        return;
      }
      if (flags.chart !== undefined) await requireWritable(flags.chart);
      const layers = flags.layers ?? LAYERS;
      const report = await measure(layers, flags.workers ?? null, io);
      io.endProgress();
      if (flags.chart !== undefined) {
        const { benchChart } = await import('../report/benchChart.ts');
        await writeWhole(flags.chart, await benchChart(report));
        io.notice(`${flags.chart}: written`);
      }
      io.print(flags.json === true ? `${JSON.stringify(report)}\n` : describeBench(report));
      if (report.layers.some(({ match }) => !match)) io.finish({ kind: 'mismatch' });
    });
}

/** @throws CipherconvError `usage` for options that would have no effect. */
function refuseWithCompare({ workers, chart }: { workers?: number; chart?: string }): void {
  const given = workers !== undefined ? '--workers' : chart !== undefined ? '--chart' : null;
  if (given === null) return;
  throw new CipherconvError({
    code: 'usage',
    message: `${given} has no effect with --compare`,
    hint: 'leave one of the two out',
  });
}

async function compare(layers: readonly LayerShape[], json: boolean, io: Terminal): Promise<void> {
  const { compareLayer } = await import('../bench/compare.ts');
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
  const { benchLayer } = await import('../bench/layerBench.ts');
  const { benchWorkers } = await import('../bench/workersBench.ts');
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
