/** JSON of tensors, in pieces: one string may be longer than the engine's longest. */

/** Elements of one piece. */
const PIECE = 2 ** 15;

interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** `{ "shape": [...], "data": [...] }`, data flat. */
function* tensorJsonPieces({ shape, data }: Numbers): Generator<string> {
  yield `{"shape":${JSON.stringify(shape)},"data":[`;
  for (let start = 0; start < data.length; start += PIECE) {
    const length = Math.min(PIECE, data.length - start);
    const piece = Array.from({ length }, (_, index) => data[start + index]!);
    yield `${start === 0 ? '' : ','}${JSON.stringify(piece).slice(1, -1)}`;
  }
  yield ']}';
}

/** A tensor on one line. */
export function* tensorJsonLine(tensor: Numbers): Generator<string> {
  yield* tensorJsonPieces(tensor);
  yield '\n';
}

/** One tensor as it is; several as an object of them, by name. On one line. */
export function* namedTensorsJsonLine(tensors: ReadonlyMap<string, Numbers>): Generator<string> {
  const [only, ...others] = tensors.values();
  if (only !== undefined && others.length === 0) {
    yield* tensorJsonLine(only);
    return;
  }
  let separator = '{';
  for (const [name, tensor] of tensors) {
    yield `${separator}${JSON.stringify(name)}:`;
    yield* tensorJsonPieces(tensor);
    separator = ',';
  }
  yield tensors.size === 0 ? '{}\n' : '}\n';
}
