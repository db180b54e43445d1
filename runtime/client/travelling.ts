import { internalError } from '../../compiler/base/errors.ts';
import type { OutputShape } from '../../compiler/convolution/shape.ts';
import type { ClientView } from '../../compiler/lowerings/plan.ts';
import type { CiphertextPlaces, ElementPlaces } from '../../compiler/lowering/layout.ts';
import type { Window } from './messageCoder.ts';

/** Elements in the order in which the coefficients of a ciphertext travel, found once a plan. */

/** One upload: which of the travelling coefficients take which elements; the others are 0. */
export interface UploadOrder {
  /** Coefficients that travel, ascending; null: all. */
  readonly travelling: Int32Array | null;
  readonly count: number;
  /** Element number i stands at travelling coefficient `places[i]`. */
  readonly places: Int32Array;
  readonly elements: Int32Array;
}

/** Elements that no output reads do not travel. */
export function uploadOrder(
  { positions, elements, travelling }: CiphertextPlaces,
  degree: number,
): UploadOrder {
  if (travelling === null) return { travelling, count: degree, places: positions, elements };
  const index = new Int32Array(degree).fill(-1);
  for (let at = 0; at < travelling.length; at++) index[travelling[at]!] = at;
  // Plain loops: callbacks of typed arrays take several times as long, and these are all inputs.
  const places = new Int32Array(positions.length);
  const kept = new Int32Array(positions.length);
  let count = 0;
  for (let at = 0; at < positions.length; at++) {
    const place = index[positions[at]!]!;
    if (place < 0) continue;
    places[count] = place;
    kept[count] = elements[at]!;
    count++;
  }
  return {
    travelling,
    count: travelling.length,
    places: places.slice(0, count),
    elements: kept.slice(0, count),
  };
}

/** One result: its elements in the order of its coefficients, and the windows of their channels. */
export interface ResultOrder {
  readonly travelling: Int32Array;
  readonly elements: Int32Array;
  readonly windows: readonly Window[];
  /** The elements as runs of neighbours, where those are long; null: one by one. */
  readonly runs: readonly ElementRun[] | null;
}

/** Elements `element`, `element` + 1 and so on: those from `first` to before `end` of a result. */
interface ElementRun {
  readonly first: number;
  readonly end: number;
  readonly element: number;
}

/** Copying a run takes as long as so many single elements. */
const LONG_RUN = 64;

function elementRuns(elements: Int32Array): ElementRun[] | null {
  const runs: ElementRun[] = [];
  let first = 0;
  for (let index = 1; index <= elements.length; index++) {
    if (index < elements.length && elements[index] === elements[index - 1]! + 1) continue;
    runs.push({ first, end: index, element: elements[first]! });
    first = index;
  }
  return elements.length >= LONG_RUN * runs.length ? runs : null;
}

/** Windows of output channels, by channel. */
export interface ChannelWindows {
  readonly channelOf: (element: number) => number;
  readonly window: (channel: number) => Omit<Window, 'end'>;
}

export function channelWindows({ parameters, windows }: ClientView, output: OutputShape): ChannelWindows {
  const { plainModulus } = parameters;
  const plane = output.height * output.width;
  const bases = windows.residueLow.map((value) => ((value % plainModulus) + plainModulus) % plainModulus);
  return {
    channelOf: (element) => Math.floor(element / plane) % output.channels,
    window: (channel) => ({ base: bases[channel]!, low: windows.low[channel]! }),
  };
}

/** Elements that stand in a row and belong to one channel share a window. */
export function resultOrder(
  { positions, elements, travelling }: CiphertextPlaces,
  { channelOf, window }: ChannelWindows,
): ResultOrder {
  if (travelling === null || !positions.every((position, index) => position === travelling[index]))
    throw internalError('a result whose elements are not its coefficients in order');
  const windows: Window[] = [];
  let first = 0;
  for (let index = 1; index <= elements.length; index++) {
    const channel = channelOf(elements[first]!);
    if (index < elements.length && channelOf(elements[index]!) === channel) continue;
    windows.push({ end: index, ...window(channel) });
    first = index;
  }
  return { travelling, elements, windows, runs: elementRuns(elements) };
}

/** Writes the accumulators of outputs whose residue is 0: nothing of them is computed or sent. */
export function writeZeros(
  { elements }: ElementPlaces,
  { channelOf, window }: ChannelWindows,
  plainModulus: number,
  data: Float64Array,
): void {
  for (const element of elements) {
    const { base, low } = window(channelOf(element));
    data[element] = low + (base === 0 ? 0 : plainModulus - base);
  }
}
