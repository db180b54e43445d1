import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Part } from '../../compiler/toeplitz/parts.ts';

/** What a job says, and how it ends. Everything of it lies in a Redis, where others may write: whoever reads it, checks it. */

/** Of everything that submitters and workers of different versions tell each other. */
export const FARM_VERSION = 1;

/** The name of all jobs, for BullMQ. What a person calls an input never leaves the submitter. */
export const JOB_NAME = 'evaluate';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z
  .int()
  .min(0)
  .max(2 ** 32);

const part = z.strictObject({
  kind: z.enum(['groups', 'rows']),
  first: count,
  count: count.min(1),
}) satisfies z.ZodType<Part>;

/** The data of a job. The bytes of its upload are beside it. */
export const farmJob = z.strictObject({
  version: z.literal(FARM_VERSION),
  /** Digest of the plan. */
  plan: digest,
  /** Which evaluation keys, by their digest; null for plans without. */
  keys: digest.nullable(),
  /** Which part of the plan; null: all of it. */
  part: part.nullable(),
});

/** A job as workers get it. */
export type FarmJob = z.output<typeof farmJob>;

/** What a job is about, without its bytes. */
export type JobSubject = Omit<FarmJob, 'version'>;

/** The name of a job: a digest of all that its result depends on. The same work has the same name, whoever submits it. */
export function jobId({ plan, keys, part: piece }: JobSubject, upload: Uint8Array): string {
  const range = piece === null ? 'all' : `${piece.kind} ${piece.first} ${piece.count}`;
  return createHash('sha256')
    .update(`cipherconv farm ${FARM_VERSION}\n${plan}\n${keys ?? 'no keys'}\n${range}\n`)
    .update(upload)
    .digest('hex');
}

/** The name of evaluation keys. */
export function keysId(message: Uint8Array): string {
  return createHash('sha256').update('cipherconv farm keys\n').update(message).digest('hex');
}

/** Bytes that stand before a result in the Redis. */
export const SEAL_BYTES = 36;
const ID_BYTES = 32;

/**
 * The name of the job and a CRC-32 of its response. It finds damage, which is all that it is for: whoever may write into the
 * Redis could make any checksum. A digest would take longer than all copies of a response together.
 */
function seal(id: string, response: Uint8Array): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES);
  bytes.write(id, 'hex');
  bytes.writeUInt32LE(crc32(response), ID_BYTES);
  return bytes;
}

/** A result as it lies in the Redis, in pieces: its seal, which binds it to its job, then the response. */
export function sealResult(id: string, response: Uint8Array): [seal: Uint8Array, response: Uint8Array] {
  return [seal(id, response), response];
}

/** The response in a result; null when it was damaged, or is that of another job. */
export function openResult(id: string, bytes: Uint8Array): Uint8Array | null {
  const response = bytes.subarray(SEAL_BYTES);
  return seal(id, response).equals(bytes.subarray(0, SEAL_BYTES)) ? response : null;
}

/**
 * Why a job failed for good. The bytes beside it are gone or damaged (`upload-...`, `keys-...`): whoever has them submits
 * them again. The job itself is wrong (`malformed-...`, `wrong-...`): no other worker would take it. Or it was tried, as
 * often as it may be: the process that evaluated it ended (`worker-lost`), the evaluation failed, took too long
 * (`deadline`), or workers died under it (`stalled`).
 */
export type FailureReason =
  | 'upload-missing'
  | 'upload-damaged'
  | 'keys-missing'
  | 'keys-damaged'
  | 'malformed-job'
  | 'wrong-version'
  | 'wrong-plan'
  | 'malformed-upload'
  | 'worker-lost'
  | 'evaluation-failed'
  | 'deadline'
  | 'stalled';

/** Whether it is mended by sending the bytes again. */
const MENDABLE: Readonly<Record<FailureReason, boolean>> = {
  'upload-missing': true,
  'upload-damaged': true,
  'keys-missing': true,
  'keys-damaged': true,
  'malformed-job': false,
  'wrong-version': false,
  'wrong-plan': false,
  'malformed-upload': false,
  'worker-lost': false,
  'evaluation-failed': false,
  deadline: false,
  stalled: false,
};

const REASONS = Object.keys(MENDABLE) as readonly FailureReason[];

/** Whether a job that failed for this reason is mended by sending its bytes again. */
export function isMendable(reason: FailureReason): boolean {
  return MENDABLE[reason];
}

/** A failure as one line for the failed set. It names the job, which the line may have lost when it is read. */
export function failureText(reason: FailureReason, id: string, text: string): string {
  return `${reason}: job ${id}: ${text}`;
}

/** What the failed set says of a job; text of a stranger. */
export function parseFailure(line: string): { readonly reason: FailureReason; readonly text: string } {
  const text = line.slice(0, 500);
  const reason = REASONS.find((known) => text.startsWith(`${known}: `));
  if (reason !== undefined) return { reason, text: text.slice(reason.length + 2) };
  // BullMQ's own words for a job whose workers died under it too often.
  if (text.startsWith('job stalled more than'))
    return { reason: 'stalled', text: 'its workers died under it too often' };
  return { reason: 'evaluation-failed', text };
}
