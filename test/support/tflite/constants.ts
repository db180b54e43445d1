/**
 * The constants of a .tflite file, by the number of the tensor: enough of the format to test arithmetic with, and not the
 * reader of the program. Files are trusted.
 */

/** Bytes of each tensor's buffer; null where it holds none. */
export function tensorBytes(file: Uint8Array): (Uint8Array | null)[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const follow = (at: number): number => at + view.getUint32(at, true);
  /** Place of a field of a table, or null. */
  const field = (table: number, number: number): number | null => {
    const layout = table - view.getInt32(table, true);
    const slot = 4 + 2 * number;
    if (slot >= view.getUint16(layout, true)) return null;
    const offset = view.getUint16(layout + slot, true);
    return offset === 0 ? null : table + offset;
  };
  /** Tables of a vector of them. */
  const tables = (table: number, number: number): number[] => {
    const at = field(table, number);
    if (at === null) return [];
    const vector = follow(at);
    return Array.from({ length: view.getUint32(vector, true) }, (_, index) => follow(vector + 4 + 4 * index));
  };
  const model = follow(0);
  const buffers = tables(model, 4).map((buffer) => {
    const at = field(buffer, 0);
    if (at === null) return null;
    const vector = follow(at);
    const length = view.getUint32(vector, true);
    return length === 0 ? null : file.subarray(vector + 4, vector + 4 + length);
  });
  return tables(tables(model, 2)[0]!, 0).map((tensor) => {
    const at = field(tensor, 2);
    return at === null ? null : buffers[view.getUint32(at, true)]!;
  });
}
