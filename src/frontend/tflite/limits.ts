/** What is read of a model at most, so that a small file cannot claim much memory or time. */

/** Bytes of the file of a model: offsets are signed 32-bit numbers. */
export const MAX_MODEL_BYTES = 2 ** 30;

/** Elements of one tensor. */
export const MAX_TENSOR_ELEMENTS = 2 ** 26;

/** Elements of all tensors that operators make, together. */
export const MAX_ACTIVATION_ELEMENTS = 2 ** 28;

/** Elements of constants wider than a byte, all together: they are copied. */
export const MAX_COPIED_ELEMENTS = 2 ** 25;

/** Weights of all layers together; layers may share a buffer, and each gets a copy. */
export const MAX_LAYER_WEIGHTS = 160 * 2 ** 20;

/** Axes of a tensor. */
export const MAX_RANK = 8;
