import { describe, expect, it } from 'vitest';
import { run } from '../../src/run.ts';
import { compileToeplitz } from '../support/compile.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

/** Where padding lies in the ring there is a 0, which such pixels never are. */
describe('pixels that are never 0, with padding around them', () => {
  it.each([
    ['standard', { lo: 5, hi: 9 }],
    ['hint', { lo: 5, hi: 9 }],
    ['standard', { lo: 1, hi: 15 }],
    ['hint', { lo: 15, hi: 15 }],
  ] as const)('%s, %o: every integer is right, and SEAL says the same', async (protocol, range) => {
    const spec = simpleSpec({ input: { bits: 4, range }, pads: [1, 1, 1, 1] });
    const { report } = await run(compileToeplitz(spec, { protocol }), randomInput(spec, 5));
    expect(report).toMatchObject({ match: true, protocol, seal: { decryptsEqual: true } });
  });
});
