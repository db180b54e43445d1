/** Whose memory JavaScript lays out from address 0 on brings no data: instantiating it again would overwrite what is there. */
import { expect, it } from 'vitest';
import { DIRECT_WASM } from '../../runtime/evaluator/direct/direct.gen.ts';
import { DIRECT_SHARED_WASM } from '../../runtime/evaluator/direct/directShared.gen.ts';
import { RING_WASM } from '../../runtime/ring/ring.gen.ts';
import { PACKING_WASM } from '../../runtime/wire/packing.gen.ts';

const DATA_SECTION = 11;

/** Numbers of the sections of a module: each is one byte, the length in LEB128, and as many bytes. */
function sectionsOf(module: string): number[] {
  const bytes = Buffer.from(module, 'base64');
  const found: number[] = [];
  for (let at = 8; at < bytes.length;) {
    found.push(bytes[at++]!);
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += length;
  }
  return found;
}

it.each([
  ['direct', DIRECT_WASM],
  ['direct, shared', DIRECT_SHARED_WASM],
  ['ring', RING_WASM],
])('%s has no data', (_, module) => {
  expect(sectionsOf(module)).not.toContain(DATA_SECTION);
});

it('the module of packing has: its tables for seeds', () => {
  expect(sectionsOf(PACKING_WASM)).toContain(DATA_SECTION);
});
