import { describe, expect, it } from 'vitest';
import { fuzzDecoder } from '../../tools/fuzz/decoder.ts';
import { fuzzEndpoint } from '../../tools/fuzz/endpoint.ts';
import { isWellFormed } from '../../tools/fuzz/oracle.ts';
import { makeSubjects } from '../../tools/fuzz/subjects.ts';
import { SEED as seed, runs } from '../support/properties.ts';

const subjects = await makeSubjects(seed);

describe('hostile messages', () => {
  it('the oracle takes what the tool makes, and nothing less', () => {
    for (const { uploads, uploadFormat, keys, keysFormat } of Object.values(subjects)) {
      for (const upload of uploads) {
        expect(isWellFormed(upload, uploadFormat)).toBe(true);
        expect(isWellFormed(upload.subarray(1), uploadFormat)).toBe(false);
        expect(isWellFormed(upload.slice(0, -1), uploadFormat)).toBe(false);
        expect(isWellFormed(upload, keysFormat)).toBe(false);
      }
      if (keysFormat.parts.length > 0) expect(isWellFormed(keys, keysFormat)).toBe(true);
    }
  });

  it('at the decoder: exactly the well-formed ones pass', async () => {
    const { tried, accepted, refused } = await fuzzDecoder(subjects, runs(3000), seed);
    expect(tried).toBe(runs(3000));
    // Both happen, or the test would prove half of what it says.
    expect(accepted).toBeGreaterThan(runs(300));
    expect(refused).toBeGreaterThan(runs(300));
  });

  it('at the endpoint: no 5xx, no wrong 200, no SEAL exception, and then an honest request is right', async () => {
    const { tried, compared, read, sealExceptions, serverBytes } = await fuzzEndpoint(
      subjects,
      runs(300),
      seed,
    );
    expect(tried).toBe(runs(300));
    expect(compared).toBeGreaterThan(runs(30));
    expect(read).toBeGreaterThan(runs(5));
    expect(sealExceptions).toBe(0);
    expect(serverBytes).toBeGreaterThan(0);
  });

  it('the same seed gives the same messages', async () => {
    const again = await makeSubjects(seed);
    expect(again.several.uploads).toEqual(subjects.several.uploads);
    expect(again.rotating.keys).toEqual(subjects.rotating.keys);
  });
});
