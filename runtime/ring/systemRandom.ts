/** Fresh bytes of the system's random source, which every browser and Node have as `crypto.getRandomValues`. */
export function systemRandomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
