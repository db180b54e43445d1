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

/** Sixty in `npm test`, five hundred in a round of `npm run test:more`, whose factor is 5. */
const GRAPHS = runs(1) === 1 ? 60 : runs(100);

async function encrypted({ bytes, inputs }: RandomGraph): Promise<ModelRunResult> {
  const tensors = inputs.map(
    ({ name, type, shape, data }) => [name, typedTensor(type, shape, data, name)] as const,
  );
  return runModel(compileModel(await importOnnx(bytes)), new Map(tensors));
}

/** How runs compare with the graphs in onnxruntime, fully optimized: reported, never a verdict. */
class Statistic {
  #graphs = 0;
  #elements = 0;
  #differing = 0;
  #differingGraphs = 0;
  #largest = 0;
  #refused = 0;

  async add({ bytes, inputs, outputs }: RandomGraph, result: ModelRunResult): Promise<void> {
    const theirs = await runInOnnxruntime(bytes, inputs).catch(() => null);
    if (theirs === null) {
      this.#refused++;
      return;
    }
    this.#graphs++;
    let differing = 0;
    for (const { name } of outputs) {
      const [own, other] = [toDoubles(result.outputs.get(name)!, name), theirs.get(name)!.data];
      const size = Math.max(1e-30, ...other.map(Math.abs));
      this.#elements += own.length;
      own.forEach((value, index) => {
        if (value === other[index]) return;
        differing++;
        this.#largest = Math.max(this.#largest, Math.abs(value - other[index]!) / size);
      });
    }
    this.#differing += differing;
    if (differing > 0) this.#differingGraphs++;
  }

  text(): string {
    return (
      `${this.#differing} of ${this.#elements} outputs, in ${this.#differingGraphs} of ${this.#graphs} graphs, differ from ` +
      `onnxruntime's; the largest difference is ${(100 * this.#largest).toFixed(3)} % of an output's largest value; ` +
      `onnxruntime does not run ${this.#refused} graphs as they are`
    );
  }
}

it('random graphs: every linear layer encrypted, and equal', async () => {
  const statistic = new Statistic();
  let [lively, graphs] = [0, 0];
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const result = await encrypted(graph);
      const { report, outputs } = result;
      expect(report.match).toBe(true);
      expect(report.layers).toHaveLength(graph.linearOperators.length);
      for (const { name, type, shape } of graph.outputs) {
        const output = outputs.get(name)!;
        expect(output).toMatchObject({ type, shape });
        if (new Set(toDoubles(output, name)).size > 1) lively++;
      }
      graphs++;
      await statistic.add(graph, result);
    }),
    { numRuns: GRAPHS },
  );
  expect(lively).toBeGreaterThan(graphs / 2);
  console.log(`${graphs} random graphs: ${statistic.text()}`);
}, 900_000);
