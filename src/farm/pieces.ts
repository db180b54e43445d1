import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { resultsOfPart, splitProgram, uploadOfPart } from '../../compiler/toeplitz/parts.ts';
import type { Part } from '../../compiler/toeplitz/parts.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz, computedRows } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { MOST_PIECES } from './limits.ts';
import { longWork } from '../../runtime/longWork.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage } from '../../runtime/wire/message.ts';
import type { MessageKind } from '../../runtime/wire/message.ts';

/**
 * Whether one upload becomes several jobs: `off`, a number of them at most, or `auto`: as many as the cost model says
 * are worth their messages.
 */
export type Split = 'off' | 'auto' | number;

/** What one job computes of a plan. */
export interface Piece {
  /** Null: all of it. */
  readonly part: Part | null;
  /** Ciphertexts of the whole upload that it reads, in its order. */
  readonly uploads: readonly number[];
  /** Ciphertexts of the whole response that it makes, in its order. */
  readonly results: readonly number[];
}

/** A job costs about 10 ms of messages: a shorter piece does not pay, milliseconds. */
const SHORTEST_PIECE_MS = 50;

const everyIndex = (list: readonly unknown[]): number[] => list.map((_, index) => index);

export function wholePiece(lengths: MessageLengths): Piece {
  return { part: null, uploads: everyIndex(lengths.upload), results: everyIndex(lengths.response) };
}

/**
 * The jobs of one upload.
 * @throws CipherconvError `unsupported` when a number of pieces is asked for and the plan has rotations, which share
 * their keys and sums.
 */
export function divide(plan: Plan, lengths: MessageLengths, split: Split): readonly Piece[] {
  const count = pieceCount(plan, split);
  if (count <= 1) return [wholePiece(lengths)];
  if (plan.lowering !== 'toeplitz') {
    throw new CipherconvError({
      code: 'unsupported',
      where: 'split',
      message: 'a plan with rotations stays in one piece',
      hint: 'leave --split out, or compile with --lowering toeplitz',
    });
  }
  const program = longWork(() => buildToeplitz(plan));
  const parts = splitProgram(plan, program, count);
  return parts.length <= 1 ? [wholePiece(lengths)] : parts.map((part) => pieceOf(plan, program, part));
}

function pieceCount(plan: Plan, split: Split): number {
  if (split === 'off') return 1;
  if (split !== 'auto') return Math.min(split, MOST_PIECES);
  if (plan.lowering !== 'toeplitz') return 1;
  return Math.min(Math.floor(plan.report.estimatedMilliseconds / SHORTEST_PIECE_MS), MOST_PIECES);
}

/** The piece of a part that is known to be one of the program. */
export function pieceOf(plan: ToeplitzPlan, program: ToeplitzProgram, part: Part): Piece {
  return {
    part,
    uploads: uploadOfPart(plan, program, part),
    results: resultsOfPart(program, part),
  };
}

/** Whether a part that somebody names is one of the program. */
export function isPartOf(program: ToeplitzProgram, { kind, first, count }: Part): boolean {
  const total = kind === 'groups' ? program.blockGroups.length : computedRows(program).length;
  return count >= 1 && first + count <= total;
}

/** Lengths of the parts of a message of a piece, bytes. */
export function pieceLengths(
  lengths: MessageLengths,
  { uploads, results }: Piece,
): { readonly upload: readonly number[]; readonly response: readonly number[] } {
  return {
    upload: uploads.map((position) => lengths.upload[position]!),
    response: results.map((position) => lengths.response[position]!),
  };
}

/** The upload message of a piece, from that of the whole, which has been checked. */
export function cutUpload(
  message: Uint8Array,
  { digest, lengths }: { readonly digest: string; readonly lengths: MessageLengths },
  piece: Piece,
): Uint8Array {
  if (piece.part === null) return message;
  const parts = decodeMessage(message, { kind: 'upload', digest, lengths: lengths.upload });
  const own = piece.uploads.map((position) => parts[position]!);
  return encodeMessage('upload' satisfies MessageKind, digest, own);
}

/** The response message of the whole, from those of all pieces in their order, which have been checked. */
export function joinResponses(
  responses: readonly Uint8Array[],
  {
    digest,
    lengths,
    pieces,
  }: { readonly digest: string; readonly lengths: MessageLengths; readonly pieces: readonly Piece[] },
): Uint8Array {
  const [first] = responses;
  if (pieces.length === 1 && first !== undefined) return first;
  const whole = new Array<Uint8Array | undefined>(lengths.response.length).fill(undefined);
  pieces.forEach((piece, index) => {
    const expected = { kind: 'response', digest, lengths: pieceLengths(lengths, piece).response } as const;
    decodeMessage(responses[index]!, expected).forEach((bytes, at) => {
      const position = piece.results[at]!;
      if (whole[position] !== undefined) throw internalError(`result ${position} belongs to two pieces`);
      whole[position] = bytes;
    });
  });
  return encodeMessage(
    'response',
    digest,
    whole.map((bytes, position) => bytes ?? missing(position)),
  );
}

function missing(position: number): never {
  throw internalError(`result ${position} belongs to no piece`);
}
