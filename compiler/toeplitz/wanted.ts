import { CipherconvError } from '../base/errors.ts';
import type { RequestRefusal } from '../lowering/lowering.ts';
import type { Kernel, PlanRequest, Protocol } from '../lowering/plan.ts';

/** What a request asks of a toeplitz plan: parts of it that exclude each other, and what one part says of another. */

/**
 * Refuses requests whose parts exclude each other, whatever the convolution.
 * @throws CipherconvError `unsupported`
 */
export function refuseConflicts(request: PlanRequest): void {
  const refusal = conflictOf(request);
  if (refusal !== null) throw new CipherconvError({ code: 'unsupported', ...refusal });
}

function conflictOf({ kernel, upload, protocol, engine }: PlanRequest): RequestRefusal | null {
  if (protocol === 'hint') {
    if (engine === 'seal')
      return {
        where: 'protocol',
        message: "hints take the direct kernel, and engine seal leaves everything to SEAL's",
        hint: 'take the standard protocol, or another engine',
      };
    if (kernel === 'ntt')
      return {
        where: 'protocol',
        message: 'the ntt kernel computes both polynomials of a result, which hints are there to spare',
        hint: 'take the direct kernel, or the standard protocol',
      };
    if (upload !== 'auto')
      return {
        where: 'upload',
        message: 'with hints c1 of an upload does not travel',
        hint: 'leave the form of uploads to the compiler, or take the standard protocol',
      };
  }
  if (engine === 'seal' && kernel === 'direct')
    return {
      where: 'engine',
      message: "the direct kernel is not SEAL's",
      hint: 'take the ntt kernel, or another engine',
    };
  if (upload === 'whole' && (engine === 'seal' || kernel === 'ntt'))
    return {
      where: 'upload',
      message: 'the ntt kernel does not take whole uploads',
      hint: 'take seeded uploads, or the direct kernel',
    };
  return null;
}

/** Whether the rest of the request leaves room for hints. */
export function hintsArePossible(request: PlanRequest): boolean {
  return conflictOf({ ...request, protocol: 'hint' }) === null;
}

/** The kernel that the request leaves: whole uploads and hints are the direct one's, see uploadForm.ts. */
export function wantedKernel({ kernel, upload, engine }: PlanRequest, protocol: Protocol): Kernel | 'auto' {
  if (kernel !== 'auto') return kernel;
  if (engine === 'seal') return 'ntt';
  return upload === 'whole' || protocol === 'hint' ? 'direct' : 'auto';
}
