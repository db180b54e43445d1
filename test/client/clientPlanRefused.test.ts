import { describe, expect, it } from 'vitest';
import { parseClientPlan } from '../../src/frontend/clientPlan.ts';
import { refusal } from '../frontend/fixtures.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { plan, stored, text, rotating, withDigest } from './clientPlanTexts.ts';

/** The text with one value replaced, by its path. */
function forge(base: string, path: readonly string[], value: unknown): string {
  const root = JSON.parse(base) as Record<string, unknown>;
  let at = root;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = path.at(-1)!;
  // JSON leaves out what is undefined.
  at[last] = value;
  return JSON.stringify(root);
}

const huge = 2 ** 24;

describe('a client plan is refused, before anything is made of it, with', () => {
  it.each<[string, string, string[], unknown, 'malformed-plan' | 'plan-rejected', string]>([
    [
      'q past the security table',
      text,
      ['parameters', 'dataPrimes'],
      ['1152921504606830593'],
      'plan-rejected',
      'too large for 128 bits',
    ],
    ['a claim of less security', text, ['parameters', 'securityBits'], 64, 'malformed-plan', 'securityBits'],
    [
      'a q that is not prime',
      text,
      ['parameters', 'dataPrimes'],
      [String(2048 * 10 + 1)],
      'plan-rejected',
      'not an NTT prime',
    ],
    [
      'a prime without a transform',
      text,
      ['parameters', 'dataPrimes'],
      ['65521'],
      'plan-rejected',
      'not an NTT prime',
    ],
    [
      'a prime twice',
      rotating,
      ['parameters', 'specialPrime'],
      (JSON.parse(rotating) as { parameters: { dataPrimes: string[] } }).parameters.dataPrimes[0],
      'plan-rejected',
      'occurs twice',
    ],
    [
      'primes without end',
      text,
      ['parameters', 'dataPrimes'],
      new Array(100).fill('12289'),
      'malformed-plan',
      'dataPrimes',
    ],
    [
      'more primes than SEAL sets up in seconds',
      text,
      ['parameters'],
      {
        degree: 32768,
        plainModulus: 46,
        dataPrimes: new Array(9).fill('65537'),
        specialPrime: null,
        securityBits: 128,
      },
      'plan-rejected',
      'too large for a client',
    ],
    ['no prime', text, ['parameters', 'dataPrimes'], [], 'plan-rejected', 'wrong number of primes'],
    [
      'a special prime for nothing',
      text,
      ['parameters', 'specialPrime'],
      '12289',
      'plan-rejected',
      'wrong number of primes',
    ],
    [
      'rotations without a special prime',
      rotating,
      ['parameters', 'specialPrime'],
      null,
      'plan-rejected',
      'wrong number of primes',
    ],
    ['a ring of another size', text, ['parameters', 'degree'], 512, 'malformed-plan', 'degree'],
    ['two ring sizes', text, ['packing', 'degree'], 32768, 'malformed-plan', 'unknown key "degree"'],
    ['t = 1', text, ['parameters', 'plainModulus'], 1, 'plan-rejected', 'plainModulus'],
    ['t past 2^53', text, ['parameters', 'plainModulus'], 2 ** 60, 'malformed-plan', 'plainModulus'],
    ['t above q', text, ['parameters', 'plainModulus'], 2 ** 40, 'plan-rejected', 'not below q'],
    ['t without slots', rotating, ['parameters', 'plainModulus'], 40963, 'plan-rejected', 'has no slots'],
    [
      'windows of another number of channels',
      text,
      ['windows', 'low'],
      [0, 0],
      'plan-rejected',
      'windows.low',
    ],
    ['a window past 2^53', text, ['windows', 'low'], [2 ** 53 - 2], 'plan-rejected', 'windows.low[0]'],
    ['fractions for windows', text, ['windows', 'residueLow'], [0.5], 'malformed-plan', 'residueLow'],
    ['a chunk that is not there', text, ['transfer', 'usedChunks'], [1], 'plan-rejected', 'usedChunks[0]'],
    ['a chunk twice', text, ['transfer', 'usedChunks'], [0, 0], 'plan-rejected', 'usedChunks[1]'],
    [
      'chunks without end',
      text,
      ['transfer', 'usedChunks'],
      Array.from({ length: 50_000 }, (_, i) => i),
      'plan-rejected',
      'usedChunks[1]',
    ],
    ['a negative row', text, ['transfer', 'emptyRows'], [-1], 'plan-rejected', 'emptyRows[0]'],
    ['more bits dropped than there are', text, ['wire', 'uploadC0'], 60, 'plan-rejected', 'wire.uploadC0'],
    ['a huge picture', text, ['shape', 'input', 'height'], huge, 'plan-rejected', 'input'],
    ['a huge batch', text, ['shape', 'input', 'batch'], huge, 'plan-rejected', 'input'],
    ['huge pads', text, ['shape', 'pads'], [65536, 65536, 65536, 65536], 'plan-rejected', 'output'],
    ['a huge kernel', text, ['shape', 'weights', 'kernelHeight'], huge, 'plan-rejected', 'kernel'],
    [
      'more channels than there are windows',
      text,
      ['shape', 'weights', 'outChannels'],
      2,
      'plan-rejected',
      'windows',
    ],
    ['bits past 16', text, ['shape', 'input', 'bits'], 17, 'plan-rejected', 'input.bits'],
    [
      'a range past its bits',
      text,
      ['shape', 'input', 'range'],
      { lo: 0, hi: 2 ** 30 },
      'plan-rejected',
      'input.range',
    ],
    ['a row pitch too small', text, ['packing', 'rowPitch'], 28, 'plan-rejected', 'rowPitch'],
    ['a channel pitch too small', text, ['packing', 'channelPitch'], 1, 'plan-rejected', 'channelPitch'],
    ['blocks past the ring', text, ['packing', 'blocksPerCiphertext'], 32768, 'plan-rejected', 'packing'],
    [
      'outputs past the channels',
      text,
      ['packing', 'outputsPerProduct'],
      32768,
      'plan-rejected',
      'outputsPerProduct',
    ],
    ['a tile of nothing', text, ['packing', 'tile', 'height'], 0, 'malformed-plan', 'tile.height'],
    ['a tile past the picture', text, ['packing', 'tile', 'height'], 29, 'plan-rejected', 'tile.height'],
    ['phases of no stride', text, ['packing', 'phaseFactors', 'rows'], 7, 'plan-rejected', 'phaseFactors'],
    ['a rotation past the slots', rotating, ['keys', 'steps'], [1, 4096], 'plan-rejected', 'keys.steps[1]'],
    ['key bytes that lie', rotating, ['keys', 'bytes'], 2 ** 40, 'plan-rejected', 'keys.bytes'],
    ['planes that overlap', rotating, ['packing', 'planePitch'], 1, 'plan-rejected', 'planes overlap'],
    ['a digest that is none', text, ['digest'], 'x', 'malformed-plan', 'digest'],
    ['another format', text, ['format'], 'cipherconv-plan', 'malformed-plan', 'this is a plan'],
    ['weights', text, ['shape', 'weights', 'values'], [1], 'malformed-plan', 'unknown key "values"'],
    ['a missing key', text, ['wire'], undefined, 'malformed-plan', 'missing key "wire"'],
  ])('%s', (_, base, path, value, code, part) => {
    refusal(() => parseClientPlan(forge(base, path, value), 'c.json'), code, 'c.json', part);
  });

  it('as many wrong entries as fit into it, in one message', () => {
    const forged = forge(text, ['windows', 'low'], new Array(1_000_000).fill('x'));
    const error = refusal(() => parseClientPlan(forged, 'c.json'), 'malformed-plan', 'windows.low');
    expect(error.message.length).toBeLessThan(1000);
  });

  it('anything of it changed under the digest of another: a range that tells pictures apart, a layout, the commitment', () => {
    const { input } = clientView(plan).shape;
    const narrow = forge(text, ['shape', 'input', 'range'], { ...input.range, hi: input.range.hi - 1 });
    for (const changed of [
      narrow,
      forge(text, ['layout'], 'NCHW'),
      forge(text, ['shape', 'name'], 'other'),
      forge(text, ['commitment'], '0'.repeat(64)),
    ]) {
      refusal(() => parseClientPlan(changed, 'c.json'), 'malformed-plan', 'c.json', 'its digest is wrong');
      // Only under a digest of its own is it a plan: another one, which nobody pinned.
      expect(parseClientPlan(withDigest(changed), 'c.json').digest).not.toBe(stored.digest);
    }
  });

  it('the version of an older cipherconv, with what to do', () => {
    const { details } = refusal(
      () => parseClientPlan(forge(text, ['version'], 1), 'c.json'),
      'malformed-plan',
      'an older cipherconv',
    );
    expect(details).toMatchObject({ found: 'version 1', expected: 'version 3 of the file' });
    expect(details.hint).toContain('compile the config again');
  });

  it('more text than any plan has', () => {
    refusal(() => parseClientPlan(' '.repeat(2 ** 24 + 1), 'c.json'), 'malformed-plan', 'too large');
  });
});
