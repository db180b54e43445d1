import { quoted, unsupported } from '../refusal.ts';
import type { TensorProto } from './onnx_pb.ts';

/** Reads the bytes of a tensor that stand in another file. */
export type ExternalReader = (proto: TensorProto, byteLength: number, where: string) => Uint8Array;

/** For models that come without a folder, as everywhere in browsers. */
export const noExternalData: ExternalReader = (proto, _, where) => {
  const location = proto.externalData.find(({ key }) => key === 'location')?.value ?? '';
  throw unsupported({
    where,
    message: 'external data, but the model was not read from a folder',
    found: `location ${quoted(location)}`,
    hint: 'give the path of the model, or the folder of its data',
  });
};
