import { CipherconvError } from '../../compiler/base/errors.ts';
import type { BenchReport } from '../bench/benchReport.ts';

/** A chart of the benchmark table: milliseconds per layer on a logarithmic axis, one bar a way to compute it. */

const SERIES = [
  { name: 'ntt kernel, SEAL', of: (ms: Times): number | null => ms.evaluate.ntt },
  { name: 'ntt kernel, ours', of: (ms: Times): number | null => ms.evaluate.nttOwn },
  { name: 'raw node-seal operations', of: (ms: Times): number | null => ms.floorNtt },
  { name: 'direct kernel', of: (ms: Times): number | null => ms.evaluate.direct },
  { name: 'onnxruntime-web, cleartext', of: (ms: Times): number | null => ms.plaintext },
] as const;

type Times = BenchReport['layers'][number]['ms'];

/** What is used of the optional packages. */
interface Vega {
  readonly parse: (spec: unknown) => unknown;
  readonly View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}

interface VegaLite {
  readonly compile: (spec: unknown) => { readonly spec: unknown };
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    throw new CipherconvError(
      {
        code: 'unsupported',
        message: `the chart needs the package ${name}`,
        hint: 'npm install vega vega-lite',
      },
      { cause: error },
    );
  }
}

/** Milliseconds of every layer and series that was measured. */
export function chartValues(report: BenchReport): { layer: string; way: string; ms: number }[] {
  return report.layers.flatMap(({ id, ms }) =>
    SERIES.flatMap(({ name, of }) => {
      const value = of(ms);
      return value === null ? [] : [{ layer: id, way: name, ms: value }];
    }),
  );
}

/**
 * The chart as SVG. The same report gives the same text.
 * @throws CipherconvError `unsupported` when vega or vega-lite is not installed.
 */
export async function benchChart(report: BenchReport): Promise<string> {
  const vega = (await load('vega')) as Vega;
  const vegaLite = (await load('vega-lite')) as VegaLite;
  const { cpu, cores, node } = report.machine;
  const order = SERIES.map(({ name }) => name);
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: 'Server evaluation of one layer, one thread',
      subtitle: `${cpu}, ${cores} cores, Node ${node}; medians`,
    },
    background: 'white',
    width: 640,
    height: 300,
    data: { values: chartValues(report) },
    mark: 'bar',
    encoding: {
      x: { field: 'layer', type: 'nominal', title: null, axis: { labelAngle: 0 } },
      xOffset: { field: 'way', sort: order },
      y: { field: 'ms', type: 'quantitative', scale: { type: 'log' }, title: 'milliseconds (log scale)' },
      // Bars on a logarithmic axis need a foot.
      y2: { datum: 0.01 },
      color: {
        field: 'way',
        type: 'nominal',
        sort: order,
        title: null,
        scale: { scheme: 'tableau10' },
        legend: { orient: 'bottom', labelLimit: 400 },
      },
    },
  };
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' });
  return `${await view.toSVG()}\n`;
}
