import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workerFile } from '../../runtime/pool/workerFile.ts';

/** How a server of plans behaves. */
export interface ServiceSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Requests evaluated at the same time, each in a process of its own. */
  readonly workers: number;
  /** Longest body of a request to evaluate, bytes; null: the largest upload of the served plans. */
  readonly maxBody: number | null;
  /** From the arrival of a whole request to its response, milliseconds. */
  readonly deadlineMs: number;
  /** Requests per second and client address; 0: unlimited. */
  readonly rate: number;
  /** Resident memory of a worker, bytes. */
  readonly memoryBytes: number;
  /** Evaluation keys held for clients, bytes; 0: none are taken, and plans that need them are refused. */
  readonly keysMemoryBytes: number;
  /** How long evaluation keys are held that nobody uses, milliseconds. */
  readonly keysIdleMs: number;
  /** Requests that may wait for a worker. */
  readonly queueLength: number;
  /** Bodies and responses under way together, bytes. */
  readonly bodyMemoryBytes: number;
  /** Connections at the same time. */
  readonly connections: number;
  /** What one client address may hold of bodies, evaluation keys and connections: above 0, at most 1. */
  readonly addressShare: number;
  /** Least bytes a second of a body, on average, after the grace; 0: any speed. */
  readonly leastBodyRate: number;
  readonly bodyGraceMs: number;
  /** Names that requests may have for the server, besides those of the loopback address. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages from elsewhere that may ask. */
  readonly corsOrigins: readonly string[];
  /** What an evaluation nobody waits for any more may still take, milliseconds: less than a new worker costs. */
  readonly abandonedMs: number;
  /** For the head of a request, and for all of it (and again for fetching the response), milliseconds. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The built page. */
  readonly pageFolder: string;
  /** Script of the workers. */
  readonly workerFile: string;
}

const MIB = 2 ** 20;

function pageFolder(): string {
  const fromSource = extname(fileURLToPath(import.meta.url)) === '.ts';
  return fileURLToPath(new URL(fromSource ? '../../dist/page/' : '../../page/', import.meta.url));
}

export function defaultSettings(): ServiceSettings {
  const workers = availableParallelism();
  return {
    host: '127.0.0.1',
    port: 8080,
    workers,
    maxBody: null,
    deadlineMs: 30_000,
    rate: 0,
    memoryBytes: 512 * MIB,
    keysMemoryBytes: 0,
    keysIdleMs: 15 * 60_000,
    queueLength: 16 * workers,
    bodyMemoryBytes: 128 * MIB,
    connections: 2048,
    addressShare: 0.5,
    leastBodyRate: 8192,
    bodyGraceMs: 5000,
    allowedHosts: [],
    corsOrigins: [],
    abandonedMs: 250,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    pageFolder: pageFolder(),
    workerFile: workerFile(import.meta.url, './workers/worker'),
  };
}
