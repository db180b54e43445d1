/**
 * `npm run bench:models [-- NAME] [--json] [--workers n] [--memory MiB]`: whole networks over HTTP on loopback: `cipherconv
 * compile`, `cipherconv serve` and a client, each a process of its own. Weights are random: docs/comparison.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../src/bench/benchReport.ts';
import { NETWORKS } from './models/shapes.ts';
import type { NetworkShape } from './models/shapes.ts';
import type { ClientFigures } from './networkClient.ts';

const BIN = join(import.meta.dirname, '..', 'src', 'cli', 'bin.ts');
const CLIENT = join(import.meta.dirname, 'networkClient.ts');

interface NetworkFigures extends ClientFigures {
  readonly name: string;
  readonly seconds: ClientFigures['seconds'] & {
    /** `cipherconv compile`, a process of its own. */
    readonly compile: number;
    /** From the start of the server until it listens, hints included. */
    readonly serve: number;
  };
  /** Largest resident memory of the server's processes together, bytes; null where the system does not tell. */
  readonly serverPeakBytes: number | null;
}

interface ServerSettings {
  readonly workers: string;
  readonly memory: string;
}

function startServer(
  planFile: string,
  { workers, memory }: ServerSettings,
): Promise<{ child: ChildProcess; url: string }> {
  const limits = ['--workers', workers, '--memory', memory, '--deadline', '600'];
  const child = spawn(process.execPath, [BIN, 'serve', planFile, '--port', '0', ...limits], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (text.length < 2 ** 20) text += chunk.toString();
      const url = /listening on (\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve({ child, url });
    });
    child.on('exit', (code) => {
      reject(new Error(`the server ended with ${code}: ${text.slice(-1000)}`));
    });
  });
}

/** Largest resident memory of a process and its children together, each at its own peak. */
function peakBytes(processId: number): number | null {
  try {
    const children = readFileSync(`/proc/${processId}/task/${processId}/children`, 'latin1');
    const all = [processId, ...children.split(' ').filter(Boolean).map(Number)];
    return all.reduce((sum, id) => {
      const status = readFileSync(`/proc/${id}/status`, 'latin1');
      return sum + 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
    }, 0);
  } catch {
    return null;
  }
}

async function measure(
  { name, size, encode }: NetworkShape,
  settings: ServerSettings,
): Promise<NetworkFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-networks-'));
  const at = (file: string): string => join(folder, file);
  let server: ChildProcess | null = null;
  try {
    writeFileSync(at('network.onnx'), encode());
    const began = performance.now();
    execFileSync(
      process.execPath,
      [BIN, 'compile', at('network.onnx'), '-o', at('network.plan'), '--client-plan', at('network.client')],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const compiled = performance.now();
    const { child, url } = await startServer(at('network.plan'), settings);
    server = child;
    const listening = performance.now();
    const text = execFileSync(process.execPath, [CLIENT, url, at('network.client'), String(size)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const client = JSON.parse(text) as ClientFigures;
    return {
      name,
      ...client,
      seconds: {
        compile: (compiled - began) / 1000,
        serve: (listening - compiled) / 1000,
        ...client.seconds,
      },
      serverPeakBytes: child.pid === undefined ? null : peakBytes(child.pid),
    };
  } finally {
    server?.removeAllListeners('exit');
    server?.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe({
  name,
  rounds,
  seconds,
  bytes,
  clientPeakBytes,
  serverPeakBytes,
}: NetworkFigures): string {
  const mega = (count: number | null): string => (count === null ? '-' : `${(count / 1e6).toFixed(1)} MB`);
  const s = (value: number): string => `${value.toFixed(2)} s`;
  return [
    `${name}: ${rounds} rounds; ${mega(bytes.upload)} up, ${mega(bytes.response)} down, hints once ${mega(bytes.hints)}`,
    `  once      compile ${s(seconds.compile)}, serve until it listens ${s(seconds.serve)}, client with hints ${s(seconds.connect)}`,
    `  inference cold ${s(seconds.cold)}, warm ${s(seconds.warm)}; with keys prepared (offline ${s(seconds.offline)}) online ${s(seconds.online)}`,
    `  memory    server ${mega(serverPeakBytes)}, client ${mega(clientPeakBytes)}`,
  ].join('\n');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    memory: { type: 'string', default: '1024' },
  },
});
const wanted =
  positionals.length === 0 ? NETWORKS : NETWORKS.filter(({ name }) => positionals.includes(name));
if (wanted.length === 0)
  throw new RangeError(`known networks are ${NETWORKS.map(({ name }) => name).join(', ')}`);
const networks: NetworkFigures[] = [];
for (const network of wanted) {
  const figures = await measure(network, values);
  networks.push(figures);
  if (!values.json) console.log(describe(figures));
}
if (values.json) console.log(JSON.stringify({ machine: describeMachine(), networks }));
