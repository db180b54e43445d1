/** Random quantized graphs: compiled and run encrypted. Our integer semantics decide; onnxruntime is a statistic. */
import { expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { arbitraryGraph } from '../support/onnx/randomGraph.ts';
import type { RandomGraph } from '../support/onnx/randomGraph.ts';
import { fc, runs } from '../support/properties.ts';

/** Five hundred in a round of `npm run test:more`. */
const GRAPHS = runs(1) > 1 ? 500 : 60;

async function encrypted({ bytes, inputs }: RandomGraph): Promise<ModelRunResult> {
  const tensors = inputs.map(
    ({ name, type, shape, data }) => [name, typedTensor(type, shape, data, name)] as const,
  );
  return runModel(compileModel(await importOnnx(bytes)), new Map(tensors));
}

/** How runs compare with the graphs in onnxruntime, fully optimized: reported, never a verdict. */
class Statistic {
  #graphs = 0;
  #outputs = 0;
  #differing = 0;
  #differingGraphs = 0;
  #largest = 0;

  add({ statistic }: ModelRunResult['report']): void {
    if (statistic === null) return;
    this.#graphs++;
    this.#outputs += statistic.outputs;
    this.#differing += statistic.differing;
    this.#differingGraphs += statistic.differing > 0 ? 1 : 0;
    this.#largest = Math.max(this.#largest, statistic.largestDifference);
  }

  text(): string {
    return (
      `onnxruntime runs ${this.#graphs} of them as they are; there ${this.#differing} of ${this.#outputs} outputs, in ` +
      `${this.#differingGraphs} graphs, differ by at most ${this.#largest} steps`
    );
  }
}

/** -0 + 0 is 0: a float sum of zeros may be -0, integers have one zero. */
const withoutSign = (value: number): number => value + 0;

it('random graphs: every linear layer encrypted, and equal', async () => {
  const statistic = new Statistic();
  let [lively, graphs, exact] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const { report, outputs } = await encrypted(graph);
      expect(report.match).toBe(true);
      expect(report.layers).toHaveLength(graph.linearOperators.length);
      for (const { name, type, shape } of graph.outputs) {
        const output = outputs.get(name)!;
        expect(output).toMatchObject({ type, shape });
        if (new Set(toDoubles(output, name)).size > 1) lively++;
      }
      graphs++;
      statistic.add(report);
      if (!graph.isExactInFloats) return;
      // Where floats are exact, onnxruntime without its optimizations is an oracle after all.
      exact++;
      const theirs = await runInOnnxruntime(graph.bytes, graph.inputs, 'disabled');
      for (const { name } of graph.outputs) {
        const own = Array.from(toDoubles(outputs.get(name)!, name), withoutSign);
        expect(own).toEqual(theirs.get(name)!.data.map(withoutSign));
      }
    }),
    { numRuns: GRAPHS },
  );
  expect(lively).toBeGreaterThan(graphs / 2);
  expect(exact).toBeGreaterThan(graphs / 6);
  console.log(`${graphs} random graphs: ${exact} exact in floats, and equal there; ${statistic.text()}`);
}, 900_000);
