/** Looks for a filter's numbers in bytes, in every form in which they could lie there. */

/** Values that are looked for together: by chance no such row of numbers is anywhere else. */
const RUN = 24;

/** Rows that are looked for of one list, spread over all of it: a copy would have every one of them. */
const MOST_RUNS = 200;

/** The same numbers with the two outermost axes exchanged: ONNX has matrices the other way round. */
export function transposed(values: ArrayLike<number>, rows: number): number[] {
  const columns = values.length / rows;
  return Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}

/** Rows of consecutive weights, without those that could be anything. */
export function runsOf(values: ArrayLike<number>): number[][] {
  const list = Array.from(values);
  const runs = Array.from({ length: Math.floor(list.length / RUN) }, (_, run) =>
    list.slice(run * RUN, (run + 1) * RUN),
  );
  const telling = runs.filter(
    (run) => new Set(run).size >= 3 && run.filter((value) => value !== 0).length >= RUN / 3,
  );
  const step = Math.max(1, Math.ceil(telling.length / MOST_RUNS));
  return telling.filter((_, index) => index % step === 0);
}

/** The bytes as they are, and what their base64 strings hold. */
export function unpacked(body: Uint8Array): Buffer[] {
  const bytes = Buffer.from(body);
  const texts = bytes.toString('latin1').match(/"[A-Za-z0-9+/]{16,}={0,2}"/g) ?? [];
  return [bytes, ...texts.map((text) => Buffer.from(text.slice(1, -1), 'base64'))];
}

type Form = (run: readonly number[]) => Buffer;

/** How a row of integers may lie in bytes. */
const INTEGER_FORMS: Readonly<Record<string, Form>> = {
  'two\u2019s complement': (run) => Buffer.from(run.map((value) => value & 255)),
  'offset 128': (run) => Buffer.from(run.map((value) => (value + 128) & 255)),
  int16: (run) => Buffer.from(Int16Array.from(run).buffer),
  int32: (run) => Buffer.from(Int32Array.from(run).buffer),
  int64: (run) => Buffer.from(BigInt64Array.from(run, BigInt).buffer),
};

/** How a row of any numbers may. */
const FORMS: Readonly<Record<string, Form>> = {
  json: (run) => Buffer.from(run.join(',')),
  'json, spaced': (run) => Buffer.from(run.join(', ')),
  'json, a line each': (run) => Buffer.from(run.join(',\n')),
  float32: (run) => Buffer.from(Float32Array.from(run).buffer),
  float64: (run) => Buffer.from(Float64Array.from(run).buffer),
};

/** The forms in which one of the rows is in one of the haystacks. */
export function formsFound(
  haystacks: readonly Buffer[],
  runs: readonly (readonly number[])[],
): readonly string[] {
  const isInteger = runs.every((run) => run.every((value) => Number.isInteger(value)));
  return Object.entries(isInteger ? { ...INTEGER_FORMS, ...FORMS } : FORMS)
    .filter(([, form]) => {
      const needles = runs.map(form);
      return haystacks.some((haystack) => needles.some((needle) => haystack.includes(needle)));
    })
    .map(([name]) => name);
}
