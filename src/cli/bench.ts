import type { Command } from '@commander-js/extra-typings';
import type { ComparedLayer } from '../bench/compare.ts';
import type { Terminal } from './terminal.ts';
import { refuseUnbuilt } from './unbuilt.ts';

/** `bench --compare`: toeplitz against diagonals. */
export function addBench(program: Command, terminal: () => Terminal): void {
  program
    .command('bench')
    .description('measure benchmark layers on this machine')
    .option('--compare', 'toeplitz against diagonals: keys, bytes, rotations and times')
    .option('--layers <ids>', 'layers, separated by commas (default: L1,L2,L6)')
    .option('--json', 'print the measurements as JSON')
    .action(async (flags) => {
      const io = terminal();
      if (flags.compare !== true) refuseUnbuilt('bench without --compare', 'cipherconv bench --compare');
      // Loaded late: node-seal is large.
      const { COMPARED, compareLayer } = await import('../bench/compare.ts');
      const { compareTable } = await import('../bench/compareText.ts');
      const ids = flags.layers?.split(',') ?? COMPARED;
      const layers: ComparedLayer[] = [];
      for (const id of ids) {
        io.progress(`compare ${id}`, 0, 1);
        layers.push(await compareLayer(id));
      }
      io.endProgress();
      io.print(flags.json === true ? `${JSON.stringify({ layers })}\n` : compareTable(layers));
      const wrong = layers.some(({ runs }) => runs.some((run) => run.kind === 'ran' && !run.match));
      if (wrong) io.finish({ kind: 'mismatch' });
    });
}
