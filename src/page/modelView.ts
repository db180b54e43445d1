import type { Tensor } from '../../compiler/base/tensor.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { element, setHidden } from './elements.ts';
import { proportionalGeometry } from './geometry.ts';
import type { ModelFacts, ModelInferred } from './messages.ts';
import { modelTensor, pictureExtents, takePicture } from './modelPicture.ts';
import { showModelFacts, showRounds, showScores } from './modelResults.ts';
import { rangeOf } from './pixels.ts';
import { sizeOf } from './planes.ts';
import { figureOf, noiseFigure, showMessages, showNoise } from './results.ts';
import type { Result, View } from './view.ts';

/** A whole model: class scores, or a picture. */
export function modelView(facts: ModelFacts): View {
  return {
    facts,
    ready:
      'Ready: the model was checked and holds no weights of its encrypted layers; the keys are new and only here.',
    extents: pictureExtents(facts),
    showFacts: () => {
      showModelFacts(facts);
    },
    take: (source) => takePicture(source, facts),
    run: async (link, input) => {
      showRounds(facts);
      const inferred = await link.ask('infer', { input });
      if (inferred.kind !== 'model') throw internalError('another kind of result');
      return resultOf(facts, input, inferred);
    },
  };
}

function resultOf(facts: ModelFacts, input: Tensor, inferred: ModelInferred): Result {
  const { output, layer, upload, response, budgetBits } = inferred;
  const shown = copyOf(element('scaled', HTMLCanvasElement));
  return {
    run: { input, output },
    hasConfig: false,
    show: (viewer) => {
      element('sides', HTMLElement).replaceChildren(
        figureOf(shown, 'input, which stays here'),
        noiseFigure(upload, `encrypted for ${layer}: what the server sees`),
      );
      setHidden(['sides'], false);
      if (isPicture(output)) {
        const planes = modelTensor(input, facts);
        const [from, to] = [sizeOf(planes), sizeOf(output)];
        viewer.show({
          input: planes,
          inputRange: rangeOf(planes.data),
          output,
          layout: facts.layout,
          geometry: proportionalGeometry(from, to),
        });
      } else {
        viewer.hide();
        showScores(output, facts.digest);
      }
      showNoise(budgetBits);
      showMessages(upload, response);
    },
  };
}

export function copyOf(canvas: HTMLCanvasElement): HTMLCanvasElement {
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext('2d')?.drawImage(canvas, 0, 0);
  return copy;
}

/** Planes of some size; what has one place a channel is a vector of scores. */
function isPicture({ shape }: Tensor): boolean {
  const [batch, , height = 0, width = 0] = shape;
  return shape.length === 4 && batch === 1 && height > 1 && width > 1;
}
