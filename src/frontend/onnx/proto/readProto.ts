import { fromBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ModelProtoSchema } from './onnx_pb.ts';
import type { GraphProto, ModelProto } from './onnx_pb.ts';
import { malformed } from '../refusal.ts';
import { scanWire } from './scanWire.ts';

/**
 * Decodes protobuf bytes of which nothing is known.
 * @param what what the file should be, with its article
 * @throws CipherconvError `malformed-model` or `unsupported`, before much is allocated.
 */
export function readProto<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
  file: string,
  what: string,
): MessageShape<Schema> {
  // A Buffer's `slice` does not copy, as that of a Uint8Array does: everything behind this works on the latter.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (plain.length === 0) throw malformed({ where: file, message: 'the file is empty', expected: what });
  scanWire(plain, schema, file, what);
  try {
    return fromBinary(schema, plain, { readUnknownFields: false });
  } catch (error) {
    // What the scan lets through and the decoder does not: text that is not UTF-8.
    const found = error instanceof Error ? error.message : 'other bytes';
    throw malformed({ where: file, message: `not ${what}`, expected: `${what}, names in UTF-8`, found });
  }
}

/**
 * Decodes a model and makes sure that it has what every model has.
 * @throws CipherconvError as `readProto`.
 */
export function readModelProto(
  bytes: Uint8Array,
  file: string,
): { readonly proto: ModelProto; readonly graph: GraphProto } {
  const what = 'an ONNX model';
  const proto = readProto(ModelProtoSchema, bytes, file, what);
  const { graph } = proto;
  if (graph === undefined) {
    throw malformed({ where: file, message: `not ${what}`, expected: 'a graph', found: 'none' });
  }
  if (proto.opsetImport.length === 0) {
    throw malformed({ where: file, message: `not ${what}`, expected: 'an opset_import', found: 'none' });
  }
  return { proto, graph };
}
