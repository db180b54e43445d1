import { slotGeometry } from '../../compiler/diagonals/packing.ts';
import { buildBlockGroups } from '../../compiler/toeplitz/placement.ts';
import type { BlockGroup } from '../../compiler/toeplitz/placement.ts';
import { isToeplitzView } from '../../compiler/lowerings/plan.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { responseByteLength, uploadByteLength } from './ciphertexts.ts';
import type { DiagonalsView } from '../../compiler/diagonals/plan.ts';
import type { ToeplitzView } from '../../compiler/toeplitz/plan.ts';

/** How long the parts of messages are, exactly: from the plan alone, as the codecs say it. Units: bytes. */

export interface MessageLengths {
  /** Of every upload ciphertext: for each block group one per used chunk, in order. */
  readonly upload: readonly number[];
  /** Of every response ciphertext: for each block group one per row that is not empty, in order. */
  readonly response: readonly number[];
  /** Of the evaluation keys: one part, or none where the plan needs no keys. */
  readonly keys: readonly number[];
}

/** Lengths of all parts of all messages of a plan. Lays the elements out once, which takes time for large plans. */
export function messageLengths(view: ClientView): MessageLengths {
  return isToeplitzView(view) ? toeplitzLengths(view) : diagonalsLengths(view);
}

/** Bytes of every upload ciphertext of a plan, in order. */
export function uploadLengths(view: ClientView): readonly number[] {
  return messageLengths(view).upload;
}

/** Bytes of every response ciphertext of a plan, in order. */
export function responseLengths(view: ClientView): readonly number[] {
  return messageLengths(view).response;
}

function toeplitzLengths(view: ToeplitzView): MessageLengths {
  return { ...groupLengths(view, buildBlockGroups(view.shape, view.packing)), keys: [] };
}

/** Lengths of the ciphertexts of a plan whose elements have been laid out. */
export function groupLengths(
  { parameters, wire, transfer }: Pick<ToeplitzView, 'parameters' | 'wire' | 'transfer'>,
  groups: readonly BlockGroup[],
): Pick<MessageLengths, 'upload' | 'response'> {
  const empty = new Set(transfer.emptyRows);
  return {
    upload: groups.flatMap(({ inputs }) =>
      transfer.usedChunks.map((chunk) => uploadByteLength(parameters, wire, inputs[chunk]!.read)),
    ),
    response: groups.flatMap(({ outputs }) =>
      outputs
        .filter((_, row) => !empty.has(row))
        .map(({ coefficients }) => responseByteLength(parameters, wire, coefficients)),
    ),
  };
}

/** Every coefficient travels, because a slot depends on all of them. */
function diagonalsLengths({
  shape,
  packing,
  parameters,
  wire,
  transfer,
  keys,
}: DiagonalsView): MessageLengths {
  const { resultCiphertexts } = slotGeometry(shape, packing);
  return {
    upload: transfer.usedChunks.map(() => uploadByteLength(parameters, wire, null)),
    response: new Array<number>(resultCiphertexts - transfer.emptyRows.length).fill(
      responseByteLength(parameters, wire, null),
    ),
    keys: keys.bytes === 0 ? [] : [keys.bytes],
  };
}

/**
 * Views of neighbouring stretches of a buffer, from its beginning on.
 * @param alignment what the offset of each is a multiple of, bytes
 */
export function cutBuffer<Buffer extends ArrayBufferLike>(
  buffer: Buffer,
  lengths: readonly number[],
  alignment = 1,
): Uint8Array<Buffer>[] {
  let end = 0;
  return lengths.map((length) => {
    const at = end;
    end += alignUp(length, alignment);
    return new Uint8Array(buffer, at, length);
  });
}

/** Gives the room for a response: new memory every time, or always the same. */
export function responseRooms(lengths: readonly number[], isReused: boolean): () => Uint8Array[] {
  const make = (): Uint8Array[] => cutBuffer(new ArrayBuffer(totalLength(lengths)), lengths);
  if (!isReused) return make;
  const room = make();
  return () => [...room];
}

/** Bytes that `cutBuffer` cuts. */
export function totalLength(lengths: readonly number[], alignment = 1): number {
  return lengths.reduce((sum, length) => sum + alignUp(length, alignment), 0);
}

function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
