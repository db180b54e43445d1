import { fitPicture } from '../frontend/pictureFit.ts';
import type { PictureRules, Size } from '../frontend/pictureFit.ts';
import { pictureTensor } from '../frontend/pictureTensor.ts';
import type { Picture } from '../frontend/pictureTensor.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { context2d, element, showPixels } from './elements.ts';
import { cutText, keptPart } from './cut.ts';
import { pixelsOf, readingSize, samplesOf } from './pixels.ts';

/** From whatever can be drawn on a canvas to the input of a plan. */

export interface Source {
  readonly name: string;
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
}

/** @throws Error in words for people, when the plan takes something that no picture is. */
function pictureChannels({ input }: ConvShape): 1 | 3 {
  const { batch, channels } = input;
  if (batch !== 1) throw new Error(`This plan takes ${batch} inputs at once, and this page has one picture.`);
  if (channels === 1 || channels === 3) return channels;
  throw new Error(
    `This plan takes ${channels} channels, and a picture has 1 (grey) or 3 (colour): use cipherconv/client from a program.`,
  );
}

/** A picture at the size and with the bits of the plan. */
export interface Prepared {
  /** NCHW. */
  readonly tensor: Tensor;
  /** What was done to the values. */
  readonly note: string;
  readonly scaled: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * Made grey, scaled and quantized by the rules of `cipherconv run --grey --resize`, white behind transparent parts. A
 * picture of exactly the plan's size keeps its values.
 * @throws CipherconvError when a value is outside the range that the plan takes.
 */
export function preparePicture(source: Source, shape: ConvShape): Prepared {
  const channels = pictureChannels(shape);
  const notes: string[] = [];
  const notice = (sentence: string): unknown => notes.push(sentence);
  const fitted = fitPicture(pictureOf(source), { ...shape.input, channels }, BOTH, notice);
  const tensor = pictureTensor(fitted, shape, notice);
  const planes = planesOf(Float64Array.from(fitted.samples), channels);
  return { tensor, note: sentencesOf(notes), scaled: pixelsOf(planes, { low: 0, high: 255 }) };
}

export const BOTH: PictureRules = { grey: true, resize: true };

/** Colour samples of the whole source. */
export function pictureOf(source: Source): Picture {
  const { width, height } = readingSize(source);
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = context2d(canvas);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(source.image, 0, 0, width, height);
  const samples = samplesOf(context.getImageData(0, 0, width, height).data);
  return { file: source.name, width, height, depth: 8, channels: 3, greyPalette: false, samples };
}

/** Planes of interleaved samples. */
export function planesOf(samples: Float64Array, channels: number): Float64Array[] {
  return Array.from({ length: channels }, (_, channel) =>
    samples.filter((_, at) => at % channels === channel),
  );
}

/** Shows a prepared picture beside what quantizing left of it. */
export function showPrepared({ tensor, note, scaled }: Prepared, source: Source, shape: ConvShape): void {
  const { width, height, channels, bits, signed } = shape.input;
  showPixels(element('scaled', HTMLCanvasElement), scaled, width, height);
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const planes = Array.from({ length: channels }, (_, channel) =>
    tensor.data.subarray(channel * width * height, (channel + 1) * width * height),
  );
  const pixels = pixelsOf(planes, { low, high: low + 2 ** bits - 1 });
  showPixels(element('quantized', HTMLCanvasElement), pixels, width, height);
  const kind = channels === 1 ? 'grey' : 'colour';
  const from =
    source.width === width && source.height === height ? '' : `, from ${source.width} x ${source.height}`;
  element('scaled-caption', HTMLElement).textContent = `${width} x ${height}, ${kind}${from}`;
  element('quantized-caption', HTMLElement).textContent =
    `what is encrypted: integers from ${low} to ${low + 2 ** bits - 1}`;
  sayNotes(note, source, shape.input);
}

/** Notes about one picture, each a sentence. */
export function sentencesOf(notes: readonly string[]): string {
  return notes.map((note) => `${note}.`).join(' ');
}

/** What was done to a picture, and what was cut off of it. */
export function sayNotes(note: string, source: Source, wanted: Size): void {
  const cut = cutText(source, wanted);
  element('picture-note', HTMLElement).textContent = [cut, note].filter((text) => text !== '').join(' ');
  showCut(source, wanted);
}

/** A small copy of the whole picture with a frame around what is sent; hidden where all of it is. */
function showCut(source: Source, wanted: Size): void {
  const kept = keptPart(source, wanted);
  const isWhole = kept.width === source.width && kept.height === source.height;
  element('original-figure', HTMLElement).hidden = isWhole;
  if (isWhole) return;
  const canvas = element('original', HTMLCanvasElement);
  const scale = Math.min(1, LARGEST_ORIGINAL / Math.max(source.width, source.height));
  canvas.width = Math.max(1, Math.round(source.width * scale));
  canvas.height = Math.max(1, Math.round(source.height * scale));
  const context = context2d(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(source.image, 0, 0, canvas.width, canvas.height);
  const frame = [kept.left, kept.top, kept.width, kept.height].map((length) => length * scale);
  const [left = 0, top = 0, width = 0, height = 0] = frame;
  context.fillStyle = 'rgb(0 0 0 / 60%)';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.drawImage(source.image, 0, 0, canvas.width, canvas.height);
  context.restore();
  element('original-caption', HTMLElement).textContent =
    `the whole picture, ${source.width} x ${source.height}; what is dark is cut off`;
}

const LARGEST_ORIGINAL = 320;
