/** The numbers that the ONNX format has for types. */

/** AttributeProto.type. */
export const ATTRIBUTE = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
} as const;

/** TensorProto.data_location: the values stand in another file. */
export const EXTERNAL = 1;

/** Types of tensor elements that can be read. */
export type ElementType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool'
  | 'float16'
  | 'double'
  | 'uint32'
  | 'uint64'
  | 'bfloat16'
  | 'uint4'
  | 'int4'
  | 'uint2'
  | 'int2';

export interface ElementInfo {
  /** TensorProto.data_type. */
  readonly code: number;
  readonly bits: number;
  readonly kind: 'signed' | 'unsigned' | 'float' | 'bool';
}

export const ELEMENTS: Readonly<Record<ElementType, ElementInfo>> = {
  float32: { code: 1, bits: 32, kind: 'float' },
  uint8: { code: 2, bits: 8, kind: 'unsigned' },
  int8: { code: 3, bits: 8, kind: 'signed' },
  uint16: { code: 4, bits: 16, kind: 'unsigned' },
  int16: { code: 5, bits: 16, kind: 'signed' },
  int32: { code: 6, bits: 32, kind: 'signed' },
  int64: { code: 7, bits: 64, kind: 'signed' },
  bool: { code: 9, bits: 8, kind: 'bool' },
  float16: { code: 10, bits: 16, kind: 'float' },
  double: { code: 11, bits: 64, kind: 'float' },
  uint32: { code: 12, bits: 32, kind: 'unsigned' },
  uint64: { code: 13, bits: 64, kind: 'unsigned' },
  bfloat16: { code: 16, bits: 16, kind: 'float' },
  uint4: { code: 21, bits: 4, kind: 'unsigned' },
  int4: { code: 22, bits: 4, kind: 'signed' },
  uint2: { code: 25, bits: 2, kind: 'unsigned' },
  int2: { code: 26, bits: 2, kind: 'signed' },
};

const BY_CODE = new Map(
  Object.entries(ELEMENTS).map(([type, { code }]) => [code, type as ElementType] as const),
);

/** The type with this TensorProto.data_type, or null for one that cannot be read (strings, complex, 8-bit floats). */
export function elementTypeOf(code: number): ElementType | null {
  return BY_CODE.get(code) ?? null;
}

/** Whether it is one of the integer types that quantized tensors have: at most 16 bits. */
export function isQuantizedType(type: ElementType): boolean {
  const { bits, kind } = ELEMENTS[type];
  return bits <= 16 && (kind === 'signed' || kind === 'unsigned');
}
