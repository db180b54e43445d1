import { internalError } from '../../compiler/base/errors.ts';
import type { ModelPlan } from '../model/modelPlan.ts';
import { compileFile, refusalText } from './compileFile.ts';
import type { FromCompiler, ToCompiler } from './compiling.ts';

/** The compiler's worker: what somebody writes goes in, findings, an explanation and a plan come out. */

let model: ModelPlan | null = null;

function tell(message: FromCompiler): void {
  postMessage(message);
}

addEventListener('message', ({ data }: MessageEvent<ToCompiler>) => {
  const work = data.kind === 'compile' ? compile(data) : compare(data);
  work.catch((error: unknown) => {
    tell({ kind: 'refused', text: refusalText(error) });
  });
});

async function compile(asked: Extract<ToCompiler, { kind: 'compile' }>): Promise<void> {
  const began = performance.now();
  model = null;
  const compiled = await compileFile(asked, {
    onLinted: ({ findings, layers }) => {
      tell({ kind: 'linted', findings, layers });
    },
    onReport: (html) => {
      tell({ kind: 'reported', html });
    },
    onProgress: (text) => {
      tell({ kind: 'progress', text });
    },
  });
  ({ model } = compiled);
  const { served, sections } = compiled;
  tell({ kind: 'compiled', served, sections, ms: performance.now() - began });
  tell({ kind: 'reported', html: compiled.report() });
}

async function compare({ id, input, output }: Extract<ToCompiler, { kind: 'compare' }>): Promise<void> {
  if (model === null) throw internalError('no model to compare with');
  const began = performance.now();
  const { compareModel } = await import('./compareModel.ts');
  const { outputs, mismatches } = await compareModel(model, input, output);
  tell({ kind: 'compared', id, outputs, mismatches, ms: performance.now() - began });
}
