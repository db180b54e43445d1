import { encode } from 'fast-png';
import { npy } from '../frontend/fixtures.ts';

/** A .npy file of unsigned bytes. */
export function npyBytes(shape: readonly number[], values: readonly number[]): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  return npy(header, Uint8Array.from(values));
}

/** A grey picture of one colour. */
export function encodePng(width: number, height: number, grey: number): Uint8Array {
  const data = new Uint8Array(width * height).fill(grey);
  return encode({ width, height, data, channels: 1, depth: 8 });
}
