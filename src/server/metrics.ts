/** Metrics in the Prometheus text format (exposition format 0.0.4). */

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const PREFIX = 'cipherconv_';
/** Upper bounds of the buckets of times, seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Labels = Readonly<Record<string, string | number>>;

function series(name: string, labels: Labels): string {
  const text = Object.entries(labels)
    .map(
      ([label, value]) =>
        `${label}="${String(value).replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
    )
    .join(',');
  return text === '' ? `${PREFIX}${name}` : `${PREFIX}${name}{${text}}`;
}

function header(name: string, kind: 'counter' | 'gauge' | 'histogram', help: string): string {
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${kind}\n`;
}

/** Counts per set of labels; only ever grows. */
class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string, known: readonly Labels[] = []) {
    this.#name = name;
    this.#help = help;
    for (const labels of known) this.#values.set(series(name, labels), 0);
  }

  add(labels: Labels, amount = 1): void {
    const key = series(this.#name, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  text(): string {
    const lines = [...this.#values].map(([key, value]) => `${key} ${value}\n`);
    return header(this.#name, 'counter', this.#help) + lines.join('');
  }
}

/** How long something took, in buckets. */
class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #counts = new Array<number>(SECONDS.length).fill(0);
  #sum = 0;
  #count = 0;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  observe(seconds: number): void {
    SECONDS.forEach((bound, index) => {
      if (seconds <= bound) this.#counts[index]!++;
    });
    this.#sum += seconds;
    this.#count++;
  }

  text(): string {
    const bucket = (le: string, count: number): string =>
      `${series(`${this.#name}_bucket`, { le })} ${count}\n`;
    const buckets = SECONDS.map((bound, index) => bucket(String(bound), this.#counts[index]!));
    return [
      header(this.#name, 'histogram', this.#help),
      ...buckets,
      bucket('+Inf', this.#count),
      `${series(`${this.#name}_sum`, {})} ${this.#sum}\n`,
      `${series(`${this.#name}_count`, {})} ${this.#count}\n`,
    ].join('');
  }
}

/** What is read when somebody asks. */
export interface Gauges {
  readonly queue_length: number;
  readonly evaluations_running: number;
  readonly workers_ready: number;
  readonly workers_resident_bytes: number;
  readonly server_resident_bytes: number;
  readonly body_bytes: number;
  readonly evaluation_keys_bytes: number;
  readonly hint_bytes: number;
}

const GAUGE_HELP: Readonly<Record<keyof Gauges, string>> = {
  queue_length: 'Requests that wait for a worker.',
  evaluations_running: 'Requests that are being evaluated.',
  workers_ready: 'Workers that have prepared their plans.',
  workers_resident_bytes: 'Resident memory of all workers.',
  server_resident_bytes: 'Resident memory of the server process, without its workers.',
  body_bytes: 'Bytes reserved for bodies that are received or evaluated.',
  evaluation_keys_bytes: 'Bytes of evaluation keys held.',
  hint_bytes: 'Bytes of the hints that are served.',
};

export class Metrics {
  readonly requests = new Counter('requests_total', 'Requests by path template and status.');
  readonly bytesReceived = new Counter('received_bytes_total', 'Bytes of bodies received.', [{}]);
  readonly bytesSent = new Counter('sent_bytes_total', 'Bytes of bodies sent.', [{}]);
  readonly retirements = new Counter('workers_retired_total', 'Workers taken out of service, by reason.');
  /** Anything else than 0 is a hole in our own checks. */
  readonly sealExceptions = new Counter(
    'seal_exceptions_total',
    'Exceptions and traps of SEAL in a worker.',
    [{}],
  );
  readonly evaluations = new Histogram('evaluation_seconds', 'From the checked upload to the response.');

  text(gauges: Gauges): string {
    const lines = (Object.keys(GAUGE_HELP) as (keyof Gauges)[]).map(
      (name) => `${header(name, 'gauge', GAUGE_HELP[name])}${series(name, {})} ${gauges[name]}\n`,
    );
    const kept = [
      this.requests,
      this.bytesReceived,
      this.bytesSent,
      this.retirements,
      this.sealExceptions,
      this.evaluations,
    ];
    return kept.map((metric) => metric.text()).join('') + lines.join('');
  }
}
