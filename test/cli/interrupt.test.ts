import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeModel, node, value } from '../frontend/onnx/models.ts';
import { toTensorProto } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { BIN, cipherconv, namesIn, ROOT, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
const PICTURE = join(ROOT, 'examples', 'picture-28.png');

/** Makes one function of the program work for ever, or interrupts the program while one of its files is loaded. */
const PRELOAD = at('preload.mjs');
writeFileSync(
  PRELOAD,
  `import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
const [file, name] = (process.env.ENDLESS ?? '').split('#');
globalThis.workForEver = () => { writeSync(2, 'WORKING\\n'); for (;;) { try { Math.random(); } catch {} } };
registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (process.env.INTERRUPT_AT && url.endsWith(process.env.INTERRUPT_AT)) process.kill(process.pid, 'SIGINT');
    if (!name || !url.endsWith(file)) return loaded;
    const text = String(loaded.source);
    const start = 'export function ' + name + '(';
    if (!text.includes(start)) throw new Error('no ' + name + ' in ' + url);
    return { ...loaded, source: text.replace(start, start + ') { globalThis.workForEver(); }\\nfunction unused(') };
  },
});`,
);

interface Ending {
  readonly code: number | string | null;
  readonly stdout: string;
}

/** Runs until the endless function is reached, then interrupts. */
function interrupted(args: readonly string[], env: Record<string, string>): Promise<Ending> {
  const child = spawn(process.execPath, ['--import', pathToFileURL(PRELOAD).href, BIN, ...args], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    if (stderr.includes('WORKING')) child.kill('SIGINT');
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code: code ?? signal ?? stderr, stdout });
    });
  });
}

/** In the proof, which compile makes of its own work too. */
const VERIFY = 'compiler/lowering/checkParameters.ts#verifyParameters';

describe('an interrupt ends long synchronous work at once, with 130', () => {
  const plan = at('plan.json');
  const model = at('model.onnx');
  it('has a plan and a model', () => {
    expect(cipherconv(['compile', GAUSSIAN, '-o', plan]).code).toBe(0);
    const weights = { type: 'int8', shape: [1, 1, 2, 2], data: Int8Array.of(1, -1, 3, -3) } as const;
    const bytes = encodeModel({
      nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
      initializers: [toTensorProto(weights, 'w')],
      inputs: [value('x', 'uint8', [1, 1, 3, 3])],
    });
    writeFileSync(model, bytes);
  });

  it.each<[string, readonly string[], string]>([
    ['compile: the proof', ['compile', GAUSSIAN, '-o', at('never.json')], VERIFY],
    ['compile: reading the config', ['compile', GAUSSIAN], 'src/frontend/config.ts#parseFilterConfig'],
    ['compile of a model', ['compile', model], VERIFY],
    ['explain: what else there was', ['explain', GAUSSIAN], 'src/report/loweringReport.ts#loweringReport'],
    ['lint: a convolution', ['lint', GAUSSIAN], 'compiler/accumulator/exact.ts#analyzeAccumulator'],
    ['lint: reading a model', ['lint', model], 'src/frontend/onnx/importOnnx.ts#importModel'],
    ['run: the comparison', ['run', GAUSSIAN, '-i', PICTURE], 'runtime/clear/loops.ts#convolve'],
    ['run: the proof of a plan', ['run', plan, '-i', PICTURE], VERIFY],
    ['serve: the proof of its plans', ['serve', plan, '--port', '0'], VERIFY],
    [
      'evaluate: the proof of its plan',
      ['evaluate', '--plan', plan, '-i', GAUSSIAN, '-o', at('n.ct')],
      VERIFY,
    ],
  ])('%s', async (_, args, endless) => {
    const before = namesIn(folder);
    expect(await interrupted(args, { ENDLESS: endless })).toEqual({ code: 130, stdout: '' });
    expect(namesIn(folder)).toEqual(before);
  });
});

describe('an interrupt while the program loads is not forgotten', () => {
  it.each([['src/cli/main.ts'], ['src/cli/terminal.ts'], ['src/cli/actions/run.ts'], ['src/run.ts']])(
    '%s',
    async (file) => {
      expect(await interrupted(['run', GAUSSIAN, '-i', PICTURE], { INTERRUPT_AT: file })).toEqual({
        code: 130,
        stdout: '',
      });
    },
  );
});
