/** Writing ONNX models, for benches, examples and tests. */
export { encodeModel, nodeProto, tensorProto, valueProto } from '../../src/frontend/onnx/proto/write.ts';
export type { AttributeValue, NodeParts, WritableType } from '../../src/frontend/onnx/proto/write.ts';
