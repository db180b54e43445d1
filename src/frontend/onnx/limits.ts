/** What is read of a model at most, so that a small file cannot claim much memory. */

/** Bytes of the file of a model; half of what protobuf allows. */
export const MAX_MODEL_BYTES = 2 ** 30;

/** Bytes of one tensor. */
export const MAX_TENSOR_BYTES = 2 ** 29;

/** Elements that constant folding may make in one model, all tensors together. */
export const MAX_FOLDED_ELEMENTS = 2 ** 26;
