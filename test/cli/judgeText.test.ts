/** What a run says of SEAL's judgement, and what `explain` says of who evaluates. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { explainSections } from '../../src/cli/explainSections.ts';
import { describeModelRun } from '../../src/cli/modelText.ts';
import { reportsOf } from '../../src/cli/planReports.ts';
import { describeRun, millisecondsText } from '../../src/cli/runText.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { run } from '../../src/run.ts';
import type { RunReport } from '../../src/runReport.ts';
import { residualModel, sampleInput } from '../model/models.ts';
import { compileToeplitz } from '../support/compile.ts';
import { withPrimes } from '../support/kernels.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const linesOf = (text: string): string[] => stripVTControlCharacters(text).trimEnd().split('\n');
const sealLine = (text: string): string => linesOf(text).find((line) => line.startsWith('SEAL'))!;

describe('a run of one convolution', () => {
  const plan = compileToeplitz(simpleSpec());
  const input = randomInput(plan.spec, 3);

  it('says whether SEAL compared the words', async () => {
    expect(sealLine(describeRun(plan, await run(plan, input)))).toContain('decrypted; the same words');
    const asked = await run(plan, input, { judge: 'decrypt' });
    expect(sealLine(describeRun(plan, asked))).toContain('decrypted; the words were not compared');
  });

  it('ends with a mismatch where SEAL alone disagrees', async () => {
    const result = await run(plan, input);
    const seal = { decryptsEqual: true, wordsEqual: false };
    const text = describeRun(plan, { ...result, report: { ...result.report, match: false, seal } });
    expect(sealLine(text)).toContain('DISAGREES');
    expect(linesOf(text).at(-1)).toMatch(/^MISMATCH: SEAL disagrees/);
    expect(linesOf(describeRun(plan, result)).at(-1)).toMatch(/^equal: 784 of 784$/);
  });
});

describe('a run of a model', () => {
  it('says what SEAL was asked, of how many layers, and which one it disagrees about', async () => {
    const plan = compileModel(await importOnnx(residualModel()), { protocol: 'standard' });
    const inputs = new Map([[plan.inputs[0]!.name, sampleInput()]]);
    const text = async (judge: 'decrypt' | 'full' | 'none'): Promise<string> =>
      describeModelRun(plan, await runModel(plan, inputs, { judge }));
    expect(sealLine(await text('decrypt'))).toMatch(/integers decrypted, of 3 layers; the words were not/);
    expect(sealLine(await text('full'))).toMatch(
      /integers decrypted, of 3 layers; the same words, of 3 layers$/,
    );
    expect(sealLine(await text('none'))).toContain('was not asked');
    const result = await runModel(plan, inputs);
    const { ms } = result.report.layers[0]!;
    // Times of steps are parts of these two.
    const [, line] = linesOf(describeModelRun(plan, result));
    expect(line).toContain(` ${millisecondsText(ms.offline + ms.online)} `);
    const wrong: RunReport['seal'] = { decryptsEqual: false, wordsEqual: null };
    const layers = result.layers.map((layer, index) =>
      index === 1 ? { ...layer, report: { ...layer.report, match: false, seal: wrong } } : layer,
    );
    const report: ModelRunResult['report'] = {
      ...result.report,
      match: false,
      layers: result.report.layers.map((layer, index) => ({ ...layer, ...layers[index]!.report })),
    };
    const disagreeing = describeModelRun(plan, { ...result, report, layers });
    const { name } = report.layers[1]!;
    expect(sealLine(disagreeing)).toContain(`DISAGREES: ${name}: `);
    expect(linesOf(disagreeing).at(-1)).toMatch(`MISMATCH: layer ${name} differs`);
  });
});

it('explain says whose arithmetic the ntt kernel is', () => {
  const values = Array.from({ length: 9 }, (_, index) => 32767 - index);
  const spec = simpleSpec({ weights: { bits: 16, signed: true, values } });
  const kernelOf = (plan: ReturnType<typeof compileToeplitz>): string => {
    const stored = storedPlan(plan, 'NCHW');
    const sections = new Map(explainSections(stored, reportsOf(stored)));
    return sections.get('Kernel')![0]!;
  };
  const plan = compileToeplitz(spec, { kernel: 'ntt', protocol: 'standard' });
  expect(kernelOf(plan)).toContain('our own ring arithmetic');
  expect(kernelOf(compileToeplitz(spec, { kernel: 'ntt', engine: 'seal' }))).toContain("SEAL's evaluator");
  // A lane does not hold such weights.
  expect(kernelOf(withPrimes(plan, [14]))).toContain("SEAL's evaluator");
});
