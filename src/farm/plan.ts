import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { messageForm, messageLengths } from '../../runtime/wire/lengths.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { messageBytes } from '../../runtime/wire/message.ts';
import { MessageCheck } from '../../runtime/wire/messageCheck.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { divide, wholePiece } from './pieces.ts';
import type { Piece, Split } from './pieces.ts';

/** A plan as submitters know it: what its messages look like, and how it is cut into jobs. */
export interface FarmPlan {
  readonly digest: string;
  readonly name: string;
  readonly lengths: MessageLengths;
  /** Of the message with the evaluation keys; 0 for a plan that needs none. */
  readonly evaluationKeyBytes: number;
  readonly check: MessageCheck;
  /** One job each; they make up the whole. */
  readonly pieces: readonly Piece[];
}

/**
 * @param split how a plan with its weights is cut; a client plan stays whole
 * @throws CipherconvError `usage` when a client plan is to be cut, `unsupported` when the plan does not split.
 */
export async function farmPlan(given: ClientPlan | StoredPlan, split: Split): Promise<FarmPlan> {
  const view: ClientView = 'view' in given ? given.view : clientView(given.plan);
  const lengths = messageLengths(view);
  if ('view' in given && typeof split === 'number' && split > 1) needsWeights();
  return {
    digest: given.digest,
    name: view.shape.name,
    lengths,
    evaluationKeyBytes: lengths.keys.length === 0 ? 0 : messageBytes(lengths.keys),
    check: new MessageCheck(await loadPacking(), messageForm(view), given.digest),
    pieces: 'view' in given ? [wholePiece(lengths)] : divide(given.plan, lengths, split),
  };
}

function needsWeights(): never {
  throw new CipherconvError({
    code: 'usage',
    where: 'split',
    message: 'a client plan does not say how the weights split',
    expected: 'the server plan, which has them',
  });
}
