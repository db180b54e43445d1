import type { TensorExtents } from '../packing/picture.ts';

/** Numbers as people read them. */

/** With commas between thousands. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** "1 bit", "2 bits". */
export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** "812 bytes", "12.3 kB", "4.5 MB". */
export function bytes(value: number): string {
  if (value < 10_000) return plural(value, 'byte');
  return value < 10_000_000 ? `${(value / 1000).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}

/** "0.07 ms", "1.20 s". */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(2)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

export function interval([lo, hi]: readonly [number | string, number | string]): string {
  return `[${lo}, ${hi}]`;
}

/** "1 x 3 x 28 x 28". */
export function extents({ batch, channels, height, width }: TensorExtents): string {
  return `${batch} × ${channels} × ${height} × ${width}`;
}

/** Which element of a tensor a flat index is. */
export function elementName(element: number, { channels, height, width }: TensorExtents): string {
  const column = element % width;
  const row = Math.floor(element / width) % height;
  const channel = Math.floor(element / (width * height)) % channels;
  const image = Math.floor(element / (width * height * channels));
  const place = `channel ${channel}, row ${row}, column ${column}`;
  return image === 0 ? place : `image ${image}, ${place}`;
}
