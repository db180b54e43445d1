import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalJson } from './canonicalJson.ts';

/**
 * One name for both views of a plan:
 *
 *     commitment = H(blind || server part)      stands in both files
 *     digest     = H(H(client part) || commitment)
 *
 * With hints the digest comes in two steps, because the public polynomials follow from it and the hint from them:
 *
 *     core digest = the formula above, client part without its hint
 *     public seed = SHA-256("cipherconv hint a 1" || core digest)
 *     digest      = the same formula, client part with the size and hash of the hint
 *
 * So nobody can plant public polynomials, and one digest binds the hint too.
 *
 * H is SHA-256 over canonical JSON. Who holds the client plan alone checks that every word of it belongs to the digest.
 * Who does not know the blind cannot compare a guess of the filter with the commitment.
 */

/** 64 lowercase hex digits that only the server plan holds; null for a plan whose digest confirms guesses. */
export type Blind = string | null;

const BLIND_BYTES = 32;

/** 32 random bytes, as `storedPlan` takes them. */
export function freshBlind(): string {
  return bytesToHex(randomBytes(BLIND_BYTES));
}

/** What the client plan says of the server's part: 64 lowercase hex digits. */
export function commitmentOf(serverPart: object, blind: Blind): string {
  // No blind is as long as any other, so that the two parts of the text cannot be shifted against each other.
  const front = blind === null ? new Uint8Array(BLIND_BYTES) : hexToBytes(blind);
  return bytesToHex(sha256(concatBytes(front, utf8ToBytes(canonicalJson(serverPart)))));
}

/** What a plan says of its hint: what the weights make of the public polynomials, computed once. */
export interface PlanHint {
  /** Of its bytes without a message header, 64 lowercase hex digits. */
  readonly sha256: string;
  /** Their number. */
  readonly bytes: number;
}

/** What a plan says of these bytes of a hint. */
export function describeHint(payload: Uint8Array): PlanHint {
  return { sha256: bytesToHex(sha256(payload)), bytes: payload.length };
}

const SEED_DOMAIN = utf8ToBytes('cipherconv hint a 1');

/** The 32 bytes that the public polynomials of a plan with hints are drawn from. */
export function publicSeedOf({ coreDigest }: { readonly coreDigest: string }): Uint8Array {
  return sha256(concatBytes(SEED_DOMAIN, hexToBytes(coreDigest)));
}

/** Both digests of a plan: without its hint, and of all of it. Without a hint they are one. */
export function digestsOf(
  clientPart: object,
  commitment: string,
  hint: PlanHint | null,
): { readonly coreDigest: string; readonly digest: string } {
  const coreDigest = digestOfParts(clientPart, commitment);
  if (hint === null) return { coreDigest, digest: coreDigest };
  return { coreDigest, digest: digestOfParts({ ...clientPart, hint }, commitment) };
}

/** The digest of both views: 64 lowercase hex digits. */
function digestOfParts(clientPart: object, commitment: string): string {
  const client = sha256(utf8ToBytes(canonicalJson(clientPart)));
  return bytesToHex(sha256(concatBytes(client, hexToBytes(commitment))));
}
