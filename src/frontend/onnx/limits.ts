/** What is read of a model at most, so that a small file cannot claim much memory. */

/** Bytes of the file of a model; half of what protobuf allows. */
export const MAX_MODEL_BYTES = 2 ** 30;

/** Bytes of one tensor. */
export const MAX_TENSOR_BYTES = 2 ** 29;

/** Elements that constant folding may make in one model, all tensors together. */
export const MAX_FOLDED_ELEMENTS = 2 ** 27;

/** Elements that constant folding may read in one model: many nodes may share one large constant. */
export const MAX_READ_ELEMENTS = 2 ** 30;

/** Weights of all layers together; many layers may share one initializer, and each gets a copy. */
export const MAX_LAYER_WEIGHTS = 160 * 2 ** 20;

/** Entries of a list of axes, extents or pads. */
export const MAX_LIST_LENGTH = 1024;
