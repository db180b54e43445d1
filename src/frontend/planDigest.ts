import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalJson } from './canonicalJson.ts';

/**
 * One name for both views of a plan:
 *
 *     commitment = H(blind || server part)      stands in both files
 *     digest     = H(H(client part) || commitment)
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

/** The digest of both views: 64 lowercase hex digits. */
export function digestOfParts(clientPart: object, commitment: string): string {
  const client = sha256(utf8ToBytes(canonicalJson(clientPart)));
  return bytesToHex(sha256(concatBytes(client, hexToBytes(commitment))));
}
