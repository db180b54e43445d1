/** Bytes as base64 text (RFC 4648, section 4) and back, in Node and in browsers alike. */

/** Bytes that are turned to characters in one call. */
const PIECE_BYTES = 0x8000;

export function toBase64(bytes: Uint8Array): string {
  let characters = '';
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    characters += String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES));
  return btoa(characters);
}

/** @param text base64, checked by whoever read it */
export function fromBase64(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}
