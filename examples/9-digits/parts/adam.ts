/** Adam (Kingma and Ba 2015, arXiv 1412.6980) without weight decay, for several parameter arrays. */
const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-8;

export type Step = (gradients: readonly Float32Array[], learningRate: number) => void;

/** @param parameters changed in place by each step; the gradients come in the same order */
export function makeAdam(parameters: readonly Float32Array[]): Step {
  const firsts = parameters.map(({ length }) => new Float32Array(length));
  const seconds = parameters.map(({ length }) => new Float32Array(length));
  let [firstLeft, secondLeft] = [1, 1];
  return (gradients, learningRate) => {
    firstLeft *= FIRST_DECAY;
    secondLeft *= SECOND_DECAY;
    parameters.forEach((values, which) => {
      const [gradient, first, second] = [gradients[which]!, firsts[which]!, seconds[which]!];
      for (let index = 0; index < values.length; index++) {
        const slope = gradient[index]!;
        first[index] = FIRST_DECAY * first[index]! + (1 - FIRST_DECAY) * slope;
        second[index] = SECOND_DECAY * second[index]! + (1 - SECOND_DECAY) * slope * slope;
        const mean = first[index]! / (1 - firstLeft);
        const variance = second[index]! / (1 - secondLeft);
        values[index]! -= (learningRate * mean) / (Math.sqrt(variance) + EPSILON);
      }
    });
  };
}
