import type { Tensor } from '../../compiler/base/tensor.ts';
import { canonicalShape, nchwOf } from '../frontend/layouts.ts';
import type { Shape4 } from '../frontend/layouts.ts';
import { fitPicture } from '../frontend/pictureFit.ts';
import { pictureNumbers } from '../model/modelPicture.ts';
import { requireCrossing } from '../model/typedTensor.ts';
import { element, setHidden, showPixels } from './elements.ts';
import type { ModelFacts } from './messages.ts';
import { BOTH, pictureOf, planesOf, sayNotes, sentencesOf } from './picture.ts';
import type { Source } from './picture.ts';
import type { PictureExtents } from './view.ts';
import { pixelsOf } from './pixels.ts';

/** From whatever can be drawn on a canvas to the input of a model. */

/** What matters here of whatever takes a picture. */
interface Ends extends Pick<ModelFacts, 'outputs' | 'layout'> {
  readonly inputs: readonly (ModelFacts['inputs'][number] & { readonly largest?: number })[];
}

/** null when the model takes something that no picture is. */
export function pictureExtents({ inputs, outputs, layout }: Ends): PictureExtents | null {
  const shape = inputs.length === 1 && outputs.length === 1 ? inputs[0]?.shape : null;
  if (shape?.length !== 4) return null;
  const [batch, channels, height, width] = canonicalShape(shape as unknown as Shape4, layout);
  return batch === 1 && (channels === 1 || channels === 3) ? { channels, height, width } : null;
}

function noPicture({ inputs }: Ends): Error {
  const takes = inputs
    .map(({ type, shape }) => `${type} [${shape?.join(', ') ?? 'any shape'}]`)
    .join(' and ');
  return new Error(
    `This model takes ${takes}; a picture has 1 (grey) or 3 (colour) channels, height and width, and this page shows one output: use cipherconv/client from a program.`,
  );
}

/**
 * Made grey and scaled by the rules of `cipherconv infer --grey --resize`, its samples as the model's type has them. Shows
 * what it became.
 * @returns the tensor in the axes that the model declares
 * @throws Error in words for people, when the model takes something that no picture is
 */
export function takePicture(source: Source, facts: Ends): Tensor {
  const extents = pictureExtents(facts);
  const [port] = facts.inputs;
  if (extents === null || port === undefined) throw noPicture(facts);
  const { channels, height, width } = extents;
  const notes: string[] = [];
  const notice = (sentence: string): unknown => notes.push(sentence);
  const { largest = 1 } = port;
  const rules = {
    largest,
    port,
    type: requireCrossing(port.type, port.name),
    layout: facts.layout,
    rules: BOTH,
  };
  const { shape, data } = pictureNumbers(pictureOf(source), rules, notice);
  const fitted = fitPicture(pictureOf(source), { channels, height, width }, BOTH, () => undefined);
  const pixels = pixelsOf(planesOf(Float64Array.from(fitted.samples), channels), { low: 0, high: 255 });
  showPixels(element('scaled', HTMLCanvasElement), pixels, width, height);
  const from =
    source.width === width && source.height === height ? '' : `, from ${source.width} x ${source.height}`;
  element('scaled-caption', HTMLElement).textContent =
    `${width} x ${height}, ${channels === 1 ? 'grey' : 'colour'}${from}`;
  sayNotes(sentencesOf(notes), source, extents);
  setHidden(['quantized-figure'], true);
  return { shape, data: Float64Array.from(data) };
}

/** The input of a model that takes a picture, NCHW. */
export function modelTensor(input: Tensor, { layout }: ModelFacts): Tensor {
  return nchwOf(input, layout);
}
