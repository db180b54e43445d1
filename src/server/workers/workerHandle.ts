import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { JobOutcome, PendingJob } from './jobs.ts';
import { WorkerProcess } from './workerProcess.ts';
import type { Exchange, WorkerSettings } from './workerProcess.ts';

/** Why a worker was taken out of service. `lost`: it ended by itself or was killed by someone else. */
export type RetirementReason =
  'seal' | 'memory' | 'internal' | 'protocol' | 'deadline' | 'abandoned' | 'lost' | 'start' | 'closed';

export interface Retirement {
  readonly reason: RetirementReason;
  readonly text: string;
}

/** A worker that has not prepared its plans by then never will, milliseconds. */
const START_MS = 120_000;

/** One worker process and what is known of it. From the moment it is retired it takes no job any more. */
export class WorkerHandle {
  readonly #settings: WorkerSettings;
  readonly #abandonedMs: number;
  readonly #worker: WorkerProcess;
  #state: 'starting' | 'idle' | 'busy' = 'starting';
  #retirement: Retirement | null = null;
  readonly #gone: Promise<void>;

  /** @param abandonedMs what an evaluation nobody waits for may still take: less than a new worker costs */
  constructor(
    settings: WorkerSettings,
    abandonedMs: number,
    onRetired: (worker: WorkerHandle, retirement: Retirement) => void,
  ) {
    this.#settings = settings;
    this.#abandonedMs = abandonedMs;
    this.#worker = new WorkerProcess(settings);
    this.#gone = new Promise((resolve) => {
      this.#worker.onGone((text) => {
        const reason = this.#state === 'starting' ? 'start' : 'lost';
        this.#retirement ??= { reason, text };
        onRetired(this, this.#retirement);
        resolve();
      });
    });
  }

  get state(): 'starting' | 'idle' | 'busy' | 'retired' {
    return this.#retirement === null ? this.#state : 'retired';
  }

  get processId(): number | null {
    return this.#worker.processId;
  }

  residentBytes(): number {
    return this.#worker.residentBytes() ?? 0;
  }

  /** Prepares the plans; null when the worker is ready, else why it never will be. */
  async start(): Promise<CipherconvError | null> {
    const timer = setTimeout(() => {
      this.retire('start', 'preparing the plans takes too long');
    }, START_MS);
    const exchange = await this.#worker.setUp(this.#settings);
    clearTimeout(timer);
    if (exchange.kind === 'ready') {
      this.#state = 'idle';
      return null;
    }
    this.retire('start', exchange.kind === 'unfit' ? exchange.details.message : describe(exchange));
    return exchange.kind === 'unfit' ? new CipherconvError(exchange.details) : noStart(this.#retirement);
  }

  /** Evaluates one job; resolves when the worker is free again or retired. */
  async run(job: PendingJob): Promise<JobOutcome> {
    this.#state = 'busy';
    let grace: NodeJS.Timeout | undefined;
    job.onEnd((kind) => {
      const wasAbandoned = kind === 'abandoned';
      const text = wasAbandoned ? 'nobody waits for its result' : 'its evaluation ran past the deadline';
      grace = setTimeout(
        () => {
          this.retire(kind, text);
        },
        wasAbandoned ? this.#abandonedMs : 0,
      );
    });
    const { digest, part, message, keys } = job.request;
    const parts = keys === null ? [message] : [message, keys];
    const keysBytes = keys?.length ?? 0;
    const exchange = await this.#worker.evaluate({ kind: 'evaluate', digest, part, keysBytes }, parts);
    clearTimeout(grace);
    const outcome = this.#outcome(exchange);
    if (outcome.kind === 'failed') this.retire(outcome.reason, describe(exchange));
    // An evaluation shorter than the watch's interval may have left the worker too large to keep.
    this.watchMemory();
    this.#state = 'idle';
    return job.request.signal.aborted ? { kind: 'abandoned' } : outcome;
  }

  /** Ends the worker at once, whatever it does; its job, if any, is settled with the reason. */
  retire(reason: RetirementReason, text: string): void {
    this.#retirement ??= { reason, text };
    this.#worker.kill();
  }

  /** Ends the worker because its server ends; resolves when its process is gone. */
  end(): Promise<void> {
    this.retire('closed', 'the server ends');
    return this.#gone;
  }

  /** Looks at the worker's memory from outside. */
  watchMemory(): void {
    if (this.#retirement !== null) return;
    const bytes = this.residentBytes();
    if (bytes > this.#settings.memoryBytes) this.retire('memory', `${bytes} bytes resident`);
  }

  #outcome(exchange: Exchange): JobOutcome {
    switch (exchange.kind) {
      case 'done':
        return exchange;
      case 'refused':
        return exchange;
      case 'failed':
        return { kind: 'failed', reason: exchange.reason };
      case 'gone':
        return outcomeOf(this.#retirement);
      case 'ready':
      case 'unfit':
        return { kind: 'failed', reason: 'protocol' };
      default:
        return exchange satisfies never;
    }
  }
}

/** A worker that ended before it could say why: for want of memory, as far as can be known. */
function noStart(retirement: Retirement | null): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    message: 'a worker ended while it prepared the plans',
    found: retirement?.text ?? 'no reason',
    hint: 'give workers more with --memory, or serve fewer plans',
  });
}

/** What a request gets whose worker ended under it. */
function outcomeOf(retirement: Retirement | null): JobOutcome {
  switch (retirement?.reason) {
    case 'deadline':
    case 'abandoned':
      return { kind: retirement.reason };
    case 'memory':
    case 'seal':
    case 'internal':
    case 'protocol':
      return { kind: 'failed', reason: retirement.reason };
    default:
      return { kind: 'lost' };
  }
}

function describe(exchange: Exchange): string {
  return exchange.kind === 'failed' || exchange.kind === 'gone' ? exchange.text : exchange.kind;
}
