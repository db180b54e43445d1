/**
 * Cross entropy of softmax(scale * score + bias). Scale and biases are real numbers of the loss alone: in the integer network
 * the biases are rounded multiples of 1 / scale, and the scale is gone, as it changes no order.
 */
export interface Scores {
  /** [picture, pitch], without bias. */
  readonly values: Float32Array;
  readonly pitch: number;
  readonly classes: number;
}

export interface LossSum {
  /** Sum over the pictures, in nats. */
  readonly loss: number;
  /** Slope of the mean loss for the logarithm of the scale. */
  readonly scaleSlope: number;
  /** Pictures whose highest score is that of their class. */
  readonly right: number;
}

/**
 * The loss of a batch.
 * @param slopes takes the slopes of the mean loss for the scores, in their layout; those of the biases are their sums over
 * the pictures divided by the scale, which Adam does not see
 */
export function crossEntropy(
  { values, pitch, classes }: Scores,
  { labels, count }: { readonly labels: ArrayLike<number>; readonly count: number },
  { scale, bias }: { readonly scale: number; readonly bias: Float32Array },
  slopes: Float32Array,
): LossSum {
  const weights = new Float64Array(classes);
  let [loss, scaleSlope, right] = [0, 0, 0];
  for (let picture = 0; picture < count; picture++) {
    const first = picture * pitch;
    const label = labels[picture]!;
    let best = 0;
    for (let index = 0; index < classes; index++) {
      weights[index] = scale * values[first + index]! + bias[index]!;
      if (weights[index]! > weights[best]!) best = index;
    }
    if (best === label) right++;
    const [highest, own] = [weights[best]!, weights[label]!];
    let total = 0;
    for (let index = 0; index < classes; index++) {
      weights[index] = Math.exp(weights[index]! - highest);
      total += weights[index]!;
    }
    loss += Math.log(total) - (own - highest);
    for (let index = 0; index < classes; index++) {
      const slope = (weights[index]! / total - (index === label ? 1 : 0)) / count;
      slopes[first + index] = slope * scale;
      scaleSlope += slope * scale * values[first + index]!;
    }
  }
  return { loss, scaleSlope, right };
}
