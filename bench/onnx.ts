/**
 * `npm run bench:onnx`: how long `cipherconv lint` takes on an 8-bit model of ResNet-50's shape, as a process of its own
 * (start, import, analysis, report), and how much memory. Prints a table; fails only when lint itself does.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESNET_50, resnetModel } from './resnet.ts';

const ROUNDS = 3;
const BIN = join(import.meta.dirname, '..', 'src', 'cli', 'bin.ts');
/** What the figures are to be compared with. */
const TARGET = '5.0 s, 1024 MiB';

/** Loaded into the measured process: writes its largest resident set, in KiB, to a pipe of its own at the end. */
const REPORT_MEMORY = `import { writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));`;

interface Measured {
  readonly seconds: number;
  readonly mebibytes: number;
  readonly layers: number;
}

function lintOnce(path: string): Measured {
  const memory = `data:text/javascript,${encodeURIComponent(REPORT_MEMORY)}`;
  const start = performance.now();
  const { status, output } = spawnSync(
    process.execPath,
    ['--import', memory, BIN, 'lint', path, '--format', 'json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  );
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0)
    throw new Error(`lint ended with ${String(status)}: ${output[2] ?? ''}${output[1] ?? ''}`);
  const { layers } = JSON.parse(output[1] ?? '') as { layers: unknown[] };
  return { seconds, mebibytes: Number(output[3]) / 1024, layers: layers.length };
}

const folder = mkdtempSync(join(tmpdir(), 'cipherconv-bench-'));
try {
  for (const form of ['qdq', 'qlinear'] as const) {
    const bytes = resnetModel({ form, ...RESNET_50 });
    const path = join(folder, `resnet-50-${form}.onnx`);
    writeFileSync(path, bytes);
    const rounds = Array.from({ length: ROUNDS }, () => lintOnce(path));
    const seconds = Math.min(...rounds.map((round) => round.seconds));
    const mebibytes = Math.max(...rounds.map((round) => round.mebibytes));
    console.log(
      `${form.padEnd(8)} ${(bytes.length / 1e6).toFixed(1)} MB, ${rounds[0]?.layers ?? 0} layers: ` +
        `${seconds.toFixed(1)} s, ${mebibytes.toFixed(0)} MiB (target: ${TARGET})`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
