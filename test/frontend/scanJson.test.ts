import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { locate } from '../../src/frontend/positions.ts';
import { offsetOf } from '../../src/frontend/scanJson.ts';

type Path = (string | number)[];

/** Every path of a JSON value with the value there. */
function* places(value: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  yield { path, value };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield* places(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

it('finds every value and every key of any JSON, however it is indented', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = `  ${JSON.stringify(value, null, indent)}\n`;
      for (const place of places(JSON.parse(text))) {
        const offset = offsetOf(text, place.path, 'value');
        const written = JSON.stringify(place.value);
        const rest = text.slice(offset);
        expect(rest.replaceAll(/\s/g, '').startsWith(written.replaceAll(/\s/g, ''))).toBe(true);
        const key = place.path.at(-1);
        if (typeof key !== 'string') continue;
        expect(text.slice(offsetOf(text, place.path, 'key')).startsWith(JSON.stringify(key))).toBe(true);
      }
    }),
    { numRuns: runs(500) },
  );
});

it('counts lines and columns from 1, and stays above what is not there', () => {
  const text = '\uFEFF{\r\n  "a": { "b]": [1, "x,\\"}", {}] },\n  "c": 2\n}';
  expect(locate(text, ['a', 'b]', 1])).toEqual({ line: 2, column: 20 });
  expect(locate(text, ['a', 'b]', 2])).toEqual({ line: 2, column: 29 });
  expect(locate(text, ['c'], 'key')).toEqual({ line: 3, column: 3 });
  expect(locate(text, ['a', 'missing', 3])).toEqual({ line: 2, column: 8 });
  expect(locate(text, ['c', 0])).toEqual({ line: 3, column: 8 });
  expect(locate(text, [])).toEqual({ line: 1, column: 1 });
});

it('reaches into a deep nest and past a million weights', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  expect(offsetOf(deep, [0, 0], 'value')).toBe(2);
  const wide = `{"w":[${'-12,'.repeat(1_000_000)}1],"z":0}`;
  expect(wide.slice(offsetOf(wide, ['z'], 'value'))).toBe('0}');
});
