import type { Tensor } from '../../compiler/base/tensor.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { element, setHidden } from './elements.ts';
import type { Inferred, PlanFacts } from './messages.ts';
import { preparePicture, showPrepared } from './picture.ts';
import { showFacts, showMessages, showNoise } from './results.ts';
import type { PictureExtents, Result, View } from './view.ts';
import { convolutionGeometry } from './geometry.ts';

/** One filter: an input of integers, and the integers that come back. */
export function planView(facts: PlanFacts): View {
  const { shape } = facts;
  return {
    facts,
    ready: 'Ready: the plan was checked and holds no weights; the key is new and only here.',
    extents: extentsOf(facts),
    showFacts: () => {
      showFacts(facts);
    },
    take: (source) => {
      const prepared = preparePicture(source, shape);
      showPrepared(prepared, source, shape);
      setHidden(['quantized-figure'], false);
      return prepared.tensor;
    },
    run: async (link, input) => {
      const progress = element('progress', HTMLProgressElement);
      progress.max = facts.evaluationKeyBytes === 0 ? 4 : 5;
      progress.value = 0;
      progress.hidden = false;
      const inferred = await link.ask('infer', { input });
      if (inferred.kind !== 'plan') throw internalError('another kind of result');
      progress.value = progress.max;
      return resultOf(facts, input, inferred);
    },
  };
}

/** The plan may take more channels than a picture has; where it is drawn, its proportions still count. */
function extentsOf({ shape }: PlanFacts): PictureExtents | null {
  const { batch, channels, height, width } = shape.input;
  return batch === 1 && (channels === 1 || channels === 3) ? { channels, height, width } : null;
}

function resultOf({ shape, layout }: PlanFacts, input: Tensor, inferred: Inferred): Result {
  const { bits, signed } = shape.input;
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const { output, upload, response, budgetBits } = inferred;
  return {
    run: { input, output },
    hasConfig: true,
    show: (viewer) => {
      viewer.show({
        input,
        inputRange: { low, high: low + 2 ** bits - 1 },
        output,
        layout,
        geometry: convolutionGeometry(shape),
      });
      setHidden(['sides'], true);
      showNoise(budgetBits);
      showMessages(upload, response);
    },
  };
}
