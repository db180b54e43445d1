import type { Tensor } from '../../compiler/base/tensor.ts';
import type { TensorLayout } from '../client/index.ts';
import { showReading } from './cursorText.ts';
import { npyDownload, offerDownloads, pngDownload } from './downloads.ts';
import { element, setHidden } from './elements.ts';
import type { Cell, Geometry } from './geometry.ts';
import { Panel } from './panel.ts';
import { formatInteger, pixelsOf, planePixels, rangeOf } from './pixels.ts';
import type { Range } from './pixels.ts';
import { planeOf, shortNumber, sizeOf } from './planes.ts';
import { showThumbnails } from './thumbnails.ts';

/** An input and its output, to be looked at side by side. Tensors are NCHW, of one picture. */
export interface Viewed {
  readonly input: Tensor;
  /** What black and white stand for in the input. */
  readonly inputRange: Range;
  readonly output: Tensor;
  /** Axis order of the files that are downloaded. */
  readonly layout: TensorLayout;
  readonly geometry: Geometry;
}

const STEPS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};
/** Pixels that the cursor moves with the shift key held. */
const LONG_STEP = 10;

/** Input, output and difference side by side, with one cursor that shows the integers under it. */
export class Viewer {
  readonly #stage = element('panels', HTMLElement);
  readonly #channels = element('channel', HTMLSelectElement);
  readonly #panels = new Map<string, Panel>();
  #viewed: Viewed | null = null;
  #expected: Tensor | null = null;
  #channel = 0;
  /** Of the output; null until somebody moves it: in the middle. */
  #cell: Cell | null = null;

  constructor() {
    this.#stage.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.#channels.addEventListener('change', () => {
      this.#choose(Number(this.#channels.value));
    });
  }

  show(viewed: Viewed): void {
    const { channels } = sizeOf(viewed.output);
    this.#viewed = viewed;
    this.#expected = null;
    this.#channel = Math.min(this.#channel, channels - 1);
    const options = Array.from({ length: channels }, (_, at) => new Option(`channel ${at}`, String(at)));
    this.#channels.replaceChildren(...options);
    this.#channels.value = String(this.#channel);
    setHidden(['channel-field'], channels === 1);
    setHidden(['viewer'], false);
    this.#render(viewed);
  }

  hide(): void {
    this.#viewed = null;
    setHidden(['viewer'], true);
  }

  /** Adds the difference from what should have come out; null takes it away. */
  compareTo(expected: Tensor | null): void {
    if (this.#expected === expected) return;
    this.#expected = expected;
    if (this.#viewed !== null) this.#render(this.#viewed);
  }

  #choose(channel: number): void {
    this.#channel = channel;
    this.#channels.value = String(channel);
    if (this.#viewed !== null) this.#render(this.#viewed);
  }

  #render(viewed: Viewed): void {
    const { input, output, layout } = viewed;
    this.#panels.clear();
    this.#addInput(viewed);
    const of = sizeOf(output).channels === 1 ? 'output' : `output, channel ${this.#channel}`;
    const range = rangeOf(planeOf(output, this.#channel));
    this.#addPlane('output', `${of}: ${shortNumber(range.low)} to ${shortNumber(range.high)}`, output, range);
    const difference = this.#expected === null ? null : minus(output, this.#expected);
    if (difference !== null)
      this.#addPlane('difference', differenceText(difference), difference, aroundZero(difference));
    this.#stage.replaceChildren(...[...this.#panels.values()].map(({ figure }) => figure));
    showThumbnails(output, this.#channel, (channel) => {
      this.#choose(channel);
    });
    const tensors = { input, output, ...(difference === null ? {} : { difference }) };
    offerDownloads(
      'downloads',
      Object.entries(tensors).flatMap(([name, tensor]) => {
        const panel = this.#panels.get(name);
        const npy = npyDownload(name, tensor, layout);
        return panel === undefined ? [npy] : [npy, pngDownload(name, panel.canvas)];
      }),
    );
    this.#moved(viewed);
  }

  #addInput({ input, inputRange, geometry }: Viewed): void {
    const { channels, height, width } = sizeOf(input);
    const shown = Array.from({ length: channels === 3 ? 3 : 1 }, (_, channel) => planeOf(input, channel));
    const text = `input, which stays here: ${shortNumber(inputRange.low)} to ${shortNumber(inputRange.high)}`;
    const content = { name: 'input', text, pixels: pixelsOf(shown, inputRange), height, width };
    const panel = new Panel({ ...content, range: null }, (cell) => {
      this.#move(geometry.outputAt(cell));
    });
    this.#panels.set('input', panel);
  }

  #addPlane(name: string, text: string, tensor: Tensor, range: Range): void {
    const { height, width } = sizeOf(tensor);
    const plane = planeOf(tensor, this.#channel);
    const content = { name, text, pixels: planePixels(plane, range), height, width, range };
    const panel = new Panel(content, (cell) => {
      this.#move(cell);
    });
    this.#panels.set(name, panel);
  }

  #key(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (step === undefined || this.#viewed === null) return;
    event.preventDefault();
    const pace = event.shiftKey ? LONG_STEP : 1;
    const { row, column } = this.#place(this.#viewed);
    this.#move({ row: row + step[0] * pace, column: column + step[1] * pace });
  }

  #move(cell: Cell): void {
    if (this.#viewed === null) return;
    this.#cell = cell;
    this.#cell = this.#place(this.#viewed);
    this.#moved(this.#viewed);
  }

  /** Where the cursor is, within the output. */
  #place({ output }: Viewed): Cell {
    const { height, width } = sizeOf(output);
    const { row, column } = this.#cell ?? { row: Math.floor(height / 2), column: Math.floor(width / 2) };
    return {
      row: Math.min(height - 1, Math.max(0, row)),
      column: Math.min(width - 1, Math.max(0, column)),
    };
  }

  #moved(viewed: Viewed): void {
    const { input, output, geometry } = viewed;
    const cell = this.#place(viewed);
    const window = geometry.windowOf(cell);
    const [top = 0, left = 0] = [window.rows[0], window.columns[0]];
    const [bottom = top, right = left] = [window.rows.at(-1), window.columns.at(-1)];
    this.#panels.get('input')?.mark({ top, left, height: bottom - top + 1, width: right - left + 1 });
    for (const name of ['output', 'difference'])
      this.#panels.get(name)?.mark({ top: cell.row, left: cell.column, height: 1, width: 1 });
    showReading({ cell, channel: this.#channel, window, input, output, expected: this.#expected });
  }
}

function minus(output: Tensor, expected: Tensor): Tensor {
  return { shape: output.shape, data: output.data.map((value, at) => value - (expected.data[at] ?? NaN)) };
}

/** Differences have both signs, also where all are 0. */
function aroundZero({ data }: Tensor): Range {
  const { low, high } = rangeOf(data);
  const limit = Math.max(1, -low, high);
  return { low: -limit, high: limit };
}

function differenceText({ data }: Tensor): string {
  const wrong = data.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  return `difference from the clear: ${wrong === 0 ? '0 everywhere' : `${formatInteger(wrong)} integers differ`}`;
}
