/** What the faulty worker can be told to do. `slow` and `slower` answer right, after 1000 and 4000 ms. */
export const FAULTS = ['slow', 'slower', 'hang', 'exit', 'buffers', 'heap', 'wasm', 'seal', 'throw'] as const;
export type Fault = (typeof FAULTS)[number];

const MARK = new TextEncoder().encode('FAULT');

/** The same upload with a seed that asks the faulty worker for a fault. Well-formed: it means another c1. */
export function withFault(upload: Uint8Array, fault: Fault): Uint8Array {
  const bytes = upload.slice();
  bytes.set(MARK, bytes.length - MARK.length - 1);
  bytes[bytes.length - 1] = FAULTS.indexOf(fault);
  return bytes;
}

export function faultOf(upload: Uint8Array): Fault | null {
  const at = upload.length - MARK.length - 1;
  const isMarked = MARK.every((byte, index) => upload[at + index] === byte);
  return isMarked ? (FAULTS[upload[upload.length - 1]!] ?? null) : null;
}
