/** Random graphs of TensorFlow Lite, in the interpreter: each is whole, and most have something to say. */
import { expect, it } from 'vitest';
import { checkFixedPointNode } from '../../src/interpreter/fixedPoint/check.ts';
import { fixedPointSteps } from '../../src/interpreter/fixedPoint/steps.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import { fc, runs } from '../support/properties.ts';
import { constantsOf, inputOf } from '../support/tflite/givenTensors.ts';
import { tensorBytes } from '../support/tflite/constants.ts';
import { decodedConstant } from '../support/tflite/golden.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';
import type { RandomGraph } from '../support/tflite/randomGraph.ts';
import { arbitraryGraph } from '../support/tflite/randomGraph.ts';

/** The constants of the written file, in the order of the tensors, by the tests' own reader. */
function constantsRead(graph: RandomGraph): number[][] {
  return tensorBytes(writeTflite(graph)).flatMap((bytes, index) => {
    const { type, shape } = graph.tensors[index]!;
    return bytes === null ? [] : [Array.from(decodedConstant({ type, shape }, bytes).data)];
  });
}

it('random graphs are whole, and run', async () => {
  const seen = new Map<string, number>();
  let [graphs, lively] = [0, 0];
  await fc.assert(
    fc.asyncProperty(arbitraryGraph(), async (graph) => {
      const { tensors, nodes, outputs, rounding } = graph;
      const described = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      const constants = constantsOf(graph);
      for (const node of nodes) checkFixedPointNode(node, described, constants, rounding);
      expect(constantsRead(graph)).toEqual([...constants.values()].map(({ data }) => Array.from(data)));
      for (const { operation } of nodes) seen.set(operation.op, (seen.get(operation.op) ?? 0) + 1);
      const given = new Map([...constants, inputOf(graph)]);
      const made = await interpret(fixedPointSteps(nodes, described, rounding), given, outputs);
      const output = made.get(outputs[0]!)!;
      expect(output.shape).toEqual(described.get(outputs[0]!)!.shape);
      graphs++;
      if (new Set(output.data).size > 1) lively++;
    }),
    { numRuns: runs(100) },
  );
  expect(lively).toBeGreaterThan(graphs / 2);
  console.log(`${graphs} graphs, ${lively} lively: ${[...seen].map((entry) => entry.join(' ')).join(', ')}`);
});
