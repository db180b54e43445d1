/** Random graphs of TensorFlow Lite, as files: compiled and run encrypted, equal to the interpreter on the graph as it was drawn. */
import { expect, it } from 'vitest';
import { importTflite } from '../../src/frontend/tflite/importTflite.ts';
import { fixedPointSteps } from '../../src/interpreter/fixedPoint/steps.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { fc, runs } from '../support/properties.ts';
import { constantsOf, inputOf } from '../support/tflite/givenTensors.ts';
import { arbitraryGraph } from '../support/tflite/randomGraph.ts';
import type { RandomGraph } from '../support/tflite/randomGraph.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';

const LINEAR = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV']);

/** The output by the arithmetic alone: neither the file nor its reader has a part in it. */
async function interpreted(graph: RandomGraph): Promise<number[]> {
  const { tensors, nodes, outputs, rounding } = graph;
  const steps = fixedPointSteps(nodes, new Map(tensors.map((tensor) => [tensor.name, tensor])), rounding);
  const given = new Map([...constantsOf(graph), inputOf(graph)]);
  const made = await interpret(steps, given, outputs);
  return Array.from(made.get(outputs[0]!)!.data);
}

it('random graphs: every linear layer encrypted, and equal', async () => {
  let [lively, graphs, layers] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const plan = compileModel(await importTflite(writeTflite(graph), { rounding: graph.rounding }));
      const [name, { shape }] = inputOf(graph);
      const inputs = new Map([[name, typedTensor(graph.type, shape, graph.data, name)]]);
      const { report, outputs } = await runModel(plan, inputs);
      expect(report.match).toBe(true);
      const linear = graph.nodes.filter(({ operation }) => LINEAR.has(operation.op));
      expect(report.layers).toHaveLength(linear.length);
      const [output] = graph.outputs;
      const values = toDoubles(outputs.get(output!)!, output!);
      expect(Array.from(values)).toEqual(await interpreted(graph));
      graphs++;
      layers += report.layers.length;
      if (new Set(values).size > 1) lively++;
    }),
    { numRuns: runs(100) },
  );
  expect(lively).toBeGreaterThan(graphs / 2);
  console.log(
    `${graphs} random graphs of TensorFlow Lite, ${lively} of them lively: ${layers} layers encrypted`,
  );
}, 900_000);
