import { crc32, deflateSync } from 'node:zlib';
import { expect } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorCode } from '../../compiler/base/errors.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import type { ParsedConfig } from '../../src/frontend/config.ts';
import type { FilterConfigInput } from '../../src/frontend/schema.ts';

/** A small valid config, to vary. */
export function config(changes: Partial<FilterConfigInput> = {}): FilterConfigInput {
  return {
    version: 1,
    name: 'test',
    input: { shape: [1, 1, 4, 4], bits: 2 },
    weights: { shape: [1, 1, 2, 2], bits: 2, values: [1, 2, 3, 0] },
    ...changes,
  };
}

export function parse(value: unknown): ParsedConfig {
  return parseFilterConfig(JSON.stringify(value), { file: 'test.conv.json' });
}

/** The error that `act` throws; its code must be `code` and its text must hold every one of `parts`. */
export function refusal(act: () => unknown, code: ErrorCode, ...parts: string[]): CipherconvError {
  let error: unknown = null;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CipherconvError);
  if (!(error instanceof CipherconvError)) throw new Error('nothing was refused');
  expect(error.code, error.message).toBe(code);
  for (const part of parts) expect(error.message).toContain(part);
  return error;
}

/** One chunk of a PNG, its CRC right. */
export function chunk(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}

export interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: number;
  /** Rows as stored, each with its filter byte. */
  readonly rows: readonly number[];
  readonly palette?: readonly number[];
  readonly transparency?: readonly number[];
  readonly interlaced?: boolean;
}

/** A PNG made by hand, so that kinds which no encoder at hand writes can be read. */
export function png(parts: PngParts): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(parts.width, 0);
  header.writeUInt32BE(parts.height, 4);
  header.set([parts.depth, parts.colourType, 0, 0, parts.interlaced === true ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(parts.palette === undefined ? [] : [chunk('PLTE', Uint8Array.from(parts.palette))]),
    ...(parts.transparency === undefined ? [] : [chunk('tRNS', Uint8Array.from(parts.transparency))]),
    chunk('IDAT', deflateSync(Uint8Array.from(parts.rows))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** A .npy file with this header text and data. */
export function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const prefix = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(prefix + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(text, prefix);
  bytes.set(data, prefix + text.length);
  return bytes;
}
