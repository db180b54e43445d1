import { extname } from 'node:path';

/** Whether a path names an ONNX model. */
export function isModelFile(path: string): boolean {
  return extname(path).toLowerCase() === '.onnx';
}
