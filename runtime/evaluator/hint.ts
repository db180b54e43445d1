import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { Steps } from '../../compiler/base/steps.ts';
import { analyzeLanes } from '../../compiler/toeplitz/direct/lanes.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { UniformDraw } from '../ring/draw.ts';
import { loadRing } from '../ring/module.ts';
import type { RingModule } from '../ring/module.ts';
import { hintCode, hintRowBytes } from '../wire/hint.ts';
import { loadPacking } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { DirectKernel } from './direct/kernel.ts';
import { loadDirect } from './direct/module.ts';
import type { DirectModule } from './direct/module.ts';
import { transformedRows, prefersTransforms } from './hintTransforms.ts';
import type { HintWork } from './hintTransforms.ts';
import { checkTransfer, responseIndex, uploadIndex } from './transfer.ts';
import type { Progress } from './types.ts';

/** What a hint is computed from, beside the plan. */
export interface HintOptions {
  /** The 32 bytes that the public polynomials are drawn from. */
  readonly publicSeed: Uint8Array;
  /** Called with the rows that are done and their number. */
  readonly onProgress?: Progress;
  /** How products are computed; the bytes are the same. Default: what takes less time. */
  readonly products?: 'direct' | 'transforms';
}

/**
 * Loads what it takes to compute the hint of a plan, and gives the work in steps: its result are the rows back to back
 * (../wire/hint.ts). Public polynomial number i stands for c1 of the i-th input chunk that travels, of every block group.
 * @throws CipherconvError `usage` for a plan of the standard protocol; `plan-rejected`.
 */
export async function hintSteps(plan: Plan, options: HintOptions): Promise<Steps<Uint8Array<ArrayBuffer>>> {
  if (plan.lowering !== 'toeplitz' || wireOf(plan).upload !== 'hint') {
    throw new CipherconvError({
      code: 'usage',
      message: 'the plan has no hint',
      hint: 'compile it with the protocol hint',
    });
  }
  const [direct, packing, ring] = await Promise.all([loadDirect(), loadPacking(), loadRing()]);
  return computeRows({ direct, packing, ring }, plan, options);
}

interface HintTools {
  readonly direct: DirectModule;
  readonly packing: PackingModule;
  readonly ring: RingModule;
}

function* computeRows(
  tools: HintTools,
  plan: ToeplitzPlan,
  { publicSeed, onProgress, products }: HintOptions,
): Steps<Uint8Array<ArrayBuffer>> {
  const { degree, dataPrimes } = plan.parameters;
  const program = buildToeplitz(plan);
  const transfer = checkTransfer(plan, program);
  yield;
  const uniform = new UniformDraw(tools.packing, degree, dataPrimes.map(BigInt));
  const work: HintWork = {
    plan,
    program,
    transfer,
    draw: (index) => uniform.draw(publicSeed, { domain: 'publicPolynomial', index }),
    onRows: (done) => onProgress?.(done, transfer.rows.length),
  };
  const way = products ?? (prefersTransforms(work) ? 'transforms' : 'direct');
  if (way === 'transforms') return yield* transformedRows(tools, work);
  return yield* directRows(tools.direct, work);
}

function* directRows(direct: DirectModule, work: HintWork): Steps<Uint8Array<ArrayBuffer>> {
  const { plan, program, transfer } = work;
  const { parameters } = plan;
  const { kernel, schedule } = kernelOf(direct, plan, program);
  yield;
  const load = (chunk: number, side: 0 | 1): void => {
    kernel.inputWords(side).set(work.draw(uploadIndex(transfer, 0, chunk)));
  };
  for (const [plane, chunks] of schedule.planes.entries()) {
    load(chunks.kind === 'pair' ? chunks.left : chunks.chunk, 0);
    if (chunks.kind === 'pair') load(chunks.right, 1);
    kernel.loadPlane(plane);
    yield;
  }
  const code = hintCode(parameters);
  const rowBytes = hintRowBytes(parameters);
  const bytes = new Uint8Array(transfer.rows.length * rowBytes);
  let done = 0;
  for (const [index, block] of schedule.blocks.entries()) {
    kernel.runBlock(index, 0, 1);
    block.rows.forEach((programRow, row) => {
      const offset = responseIndex(transfer, 0, programRow) * rowBytes;
      kernel.packResult(row, 1, { group: 0, programRow }, code, { bytes, offset });
    });
    done += block.rows.length;
    work.onRows(done);
    yield;
  }
  return bytes;
}

/** Of c1 alone, everywhere: the public polynomials are as wide as the primes, whatever is dropped of c0. */
function kernelOf(
  direct: DirectModule,
  { parameters }: ToeplitzPlan,
  program: ReturnType<typeof buildToeplitz>,
): {
  kernel: DirectKernel;
  schedule: Extract<ReturnType<typeof analyzeLanes>, { kind: 'possible' }>['schedule'];
} {
  const analysis = analyzeLanes(parameters, program, 0);
  if (analysis.kind === 'refused')
    throw internalError(`the hint takes ${analysis.expected}, not ${analysis.found}`);
  const { lanes, schedule } = analysis;
  const groups = program.blockGroups.slice(0, 1);
  const source = { parameters, lanes, schedule, groups, computed: 'c1', droppedBits: 0 } as const;
  return { kernel: new DirectKernel(direct, source), schedule };
}
