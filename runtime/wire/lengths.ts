import type { Layout } from '../../compiler/lowering/layout.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import { viewRules } from '../../compiler/lowerings/views.ts';
import { responseByteLength } from './ciphertexts.ts';
import type { Positions } from './coefficients.ts';
import { uploadByteLength } from './uploads.ts';

/** How long the parts of messages are, exactly: from the plan alone, as the codecs say it. Units: bytes. */

export interface MessageLengths {
  /** Of every upload ciphertext, in the order of the layout. */
  readonly upload: readonly number[];
  /** Of every response ciphertext, in the order of the layout. */
  readonly response: readonly number[];
  /** Of the evaluation keys: one part, or none where the plan needs no keys. */
  readonly keys: readonly number[];
}

/** What the messages to and from a server look like: all that checking them needs, whatever they are computed with. */
export interface MessageForm {
  readonly parameters: Parameters;
  readonly wire: PlanWire;
  readonly lengths: MessageLengths;
  /** The coefficients that travel, of every upload ciphertext; null for all. */
  readonly uploads: readonly Positions[];
}

/** The form of a plan's messages. Lays the elements out once, as `messageLengths` does. */
export function messageForm(view: ClientView): MessageForm {
  const { parameters, wire } = view;
  const layout = viewRules(view).layout(view);
  const uploads = layout.uploads.map(({ travelling }) => travelling);
  return { parameters, wire, lengths: layoutLengths(parameters, wire, layout), uploads };
}

/** Lengths of all parts of all messages of a plan. Lays the elements out once, which takes time for large plans. */
export function messageLengths(view: ClientView): MessageLengths {
  return layoutLengths(view.parameters, view.wire, viewRules(view).layout(view));
}

/** Bytes of every upload ciphertext of a plan, in order. */
export function uploadLengths(view: ClientView): readonly number[] {
  return messageLengths(view).upload;
}

/** Bytes of every response ciphertext of a plan, in order. */
export function responseLengths(view: ClientView): readonly number[] {
  return messageLengths(view).response;
}

/** The same of a plan, or a part of one, whose elements have been laid out. */
export function layoutLengths(parameters: Parameters, wire: PlanWire, layout: Layout): MessageLengths {
  return {
    upload: layout.uploads.map(({ travelling }) => uploadByteLength(parameters, wire, travelling)),
    response: layout.results.map(({ travelling }) => responseByteLength(parameters, wire, travelling)),
    keys: layout.keys === null ? [] : [layout.keys.bytes],
  };
}

/**
 * Views of neighbouring stretches of a buffer.
 * @param alignment what the offset of each is a multiple of, bytes
 * @param from where the first begins, itself a multiple of that
 */
export function cutBuffer<Buffer extends ArrayBufferLike>(
  buffer: Buffer,
  lengths: readonly number[],
  alignment = 1,
  from = 0,
): Uint8Array<Buffer>[] {
  let end = from;
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
