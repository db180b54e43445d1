import type { Tensor } from '../../compiler/base/tensor.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { levelsOf } from '../network/port.ts';
import { centredDrawing } from './centredDrawing.ts';
import { element, make, setHidden, showPixels } from './elements.ts';
import type { NetworkFacts, NetworkInferred } from './messages.ts';
import { copyOf } from './modelView.ts';
import { pictureExtents, takePicture } from './modelPicture.ts';
import { showScores } from './modelResults.ts';
import type { Source } from './picture.ts';
import { formatBytes, formatMilliseconds, pixelsOf } from './pixels.ts';
import { figureOf, noiseFigure, showFactRows, showMessages, showNoise } from './results.ts';
import type { Result, View } from './view.ts';

/** A network of one round: draw something, and see its scores. */
export function networkView(facts: NetworkFacts): View {
  return {
    facts,
    ready: 'Ready: the network was checked and holds no weights; the key is new and only here.',
    extents: pictureExtents(facts),
    showFacts: () => {
      showNetworkFacts(facts);
      chooseDrawing();
    },
    take: (source) => takeDrawn(source, facts),
    run: async (link, input) => {
      const progress = element('progress', HTMLProgressElement);
      progress.max = 4;
      progress.value = 0;
      progress.hidden = false;
      const inferred = await link.ask('infer', { input });
      if (inferred.kind !== 'network') throw internalError('another kind of result');
      progress.value = progress.max;
      return resultOf(facts, input, inferred);
    },
  };
}

function showNetworkFacts(facts: NetworkFacts): void {
  const { port, range, outputs, plainModuli, degree, modulusBits } = facts;
  showFactRows([
    ['input', `[${port.shape.join(', ')}], integers from ${range.lo} to ${range.hi}`],
    ['output', outputs.map(({ name, shape }) => `${name} [${shape?.join(', ') ?? ''}]`).join('; ')],
    ['rounds', 'one: every layer is computed under encryption'],
    [
      'cryptography',
      `BFV, N = ${degree}, t = ${plainModuli.join(' and ')}, q of ${modulusBits.join(' + ')} bits`,
    ],
    ['security', `${facts.securityBits} bits, classical`],
    ['each request', `${formatBytes(facts.uploadBytes)} up, ${formatBytes(facts.responseBytes)} down`],
    ['evaluation keys, once', formatBytes(facts.evaluationKeyBytes)],
    ['plan, SEAL and a fresh key', formatMilliseconds(facts.openMs)],
    ['plan digest', facts.digest],
  ]);
}

/** The drawing area is what such networks are for; a file, a sample or the camera can be chosen as ever. */
function chooseDrawing(): void {
  const choice = element('sources', HTMLFieldSetElement).querySelector<HTMLInputElement>(
    'input[value="drawing"]',
  );
  if (choice === null || choice.checked) return;
  choice.checked = true;
  choice.dispatchEvent(new Event('change', { bubbles: true }));
}

/** A drawing is centred first, as in the usual sets of digits; files are taken as they are. */
function takeDrawn(source: Source, facts: NetworkFacts): Tensor {
  const { port, range } = facts;
  const extents = pictureExtents(facts);
  const centred = extents?.channels === 1 ? centredDrawing(source) : null;
  const tensor = takePicture(centred ?? source, facts);
  if (extents !== null) showLevels(levelsOf(port, { shape: port.shape, range }, tensor.data), facts, extents);
  if (centred !== null)
    element('picture-note', HTMLElement).textContent =
      'The drawing was scaled and centred as digits in the usual sets are.';
  return tensor;
}

function showLevels(
  levels: Float64Array,
  { range }: NetworkFacts,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
): void {
  const size = height * width;
  const planes = Array.from({ length: channels }, (_, at) => levels.subarray(at * size, (at + 1) * size));
  const pixels = pixelsOf(planes, { low: range.lo, high: range.hi });
  showPixels(element('quantized', HTMLCanvasElement), pixels, width, height);
  element('quantized-caption', HTMLElement).textContent =
    `what is encrypted: integers from ${range.lo} to ${range.hi}`;
  setHidden(['quantized-figure'], false);
}

function resultOf(facts: NetworkFacts, input: Tensor, inferred: NetworkInferred): Result {
  const { output, logits, upload, response } = inferred;
  const shown = copyOf(element('quantized', HTMLCanvasElement));
  const { data } = output;
  const best = data.reduce((at, value, index) => (value > data[at]! ? index : at), 0);
  return {
    run: { input, output },
    hasConfig: false,
    show: (viewer) => {
      viewer.hide();
      element('sides', HTMLElement).replaceChildren(
        answerFigure(best, logits),
        figureOf(shown, 'input, which stays here'),
        noiseFigure(upload, 'encrypted: what the server sees'),
      );
      setHidden(['sides'], false);
      showScores(output, facts.digest);
      showNoise(null);
      showMessages(upload, response);
    },
  };
}

/** The class with the largest score, and the exact integers behind the bars. */
function answerFigure(best: number, logits: readonly string[]): HTMLElement {
  const figure = document.createElement('figure');
  figure.className = 'answer';
  const number = make('output', String(best));
  number.id = 'answer';
  figure.append(number, make('figcaption', `largest of ${logits.length} decrypted scores`));
  return figure;
}
