import { kindOfBytes } from '../kindOfBytes.ts';
import type { ElementType } from '../onnx/proto/codes.ts';
import { malformed, quoted, unsupported } from '../onnx/refusal.ts';
import { FlatbufferFile } from './flatbuffer.ts';
import type { Table } from './flatbuffer.ts';
import { MAX_MODEL_BYTES, MAX_RANK, MAX_TENSOR_ELEMENTS } from './limits.ts';
import {
  BUFFER,
  CUSTOM,
  IDENTIFIER,
  MODEL,
  OPERATOR,
  OPERATOR_CODE,
  operatorName,
  OTHER_TENSOR_TYPES,
  QUANTIZATION,
  SUBGRAPH,
  TENSOR,
  TENSOR_TYPES,
} from './schema.ts';

/** The tables of a model as plain values, each checked by itself. How they fit together is the importer's business. */
export interface TfliteFile {
  readonly file: string;
  readonly name: string;
  readonly tensors: readonly TfliteTensor[];
  /** Positions of tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly TfliteOperator[];
}

export interface TfliteTensor {
  /** Of the file; unique, and never empty. */
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** Axis that scales and zero points run along, where there are several. */
  readonly axis: number;
  /** Little-endian; null for a tensor that is computed. */
  readonly data: Uint8Array | null;
}

export interface TfliteOperator {
  /** Name of the BuiltinOperator. */
  readonly op: string;
  readonly version: number;
  /** Positions of tensors; -1 for one that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Which table the options are: its position in the union BuiltinOptions, 0 for none. */
  readonly optionsType: number;
  readonly options: Table | null;
}

/** Whether bytes say that they are a TFLite model. */
export function isTflite(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && String.fromCharCode(...bytes.subarray(4, 8)) === IDENTIFIER;
}

/** Files get names of other formats. */
function refuseOther(reader: FlatbufferFile, bytes: Uint8Array): never {
  const kind = kindOfBytes(bytes);
  if (kind === null) return reader.refuse('another identifier', 4);
  throw malformed({
    where: reader.file,
    message: 'not a TFLite model, or cut off',
    expected: 'a flatbuffer with the identifier TFL3',
    found: kind.what,
    hint: kind.hint,
  });
}

/**
 * @throws CipherconvError `malformed-model` for what is no flatbuffer of this schema, `unsupported` for what is not read:
 * several subgraphs, variable and sparse tensors, types and sizes
 */
export function readTflite(bytes: Uint8Array, file: string): TfliteFile {
  if (bytes.length > MAX_MODEL_BYTES)
    throw unsupported({
      where: file,
      message: 'not supported yet: models of this size',
      expected: `at most ${MAX_MODEL_BYTES} bytes`,
      found: `${bytes.length} bytes`,
    });
  const reader = new FlatbufferFile(bytes, file);
  if (!isTflite(bytes)) refuseOther(reader, bytes);
  const model = reader.root();
  const version = model.number(MODEL.version, 'uint32');
  if (version !== 3)
    throw unsupported({
      where: file,
      message: 'not supported yet: this version of the format',
      expected: 'version 3 of the schema',
      found: `version ${version}`,
    });
  const subgraphs = model.tables(MODEL.subgraphs);
  const [main] = subgraphs;
  if (main === undefined) throw malformed({ where: file, message: 'a model without a subgraph' });
  if (subgraphs.length > 1)
    throw unsupported({
      where: file,
      message: 'not supported yet: models of several subgraphs (IF, WHILE, CALL_ONCE)',
      expected: 'one subgraph',
      found: `${subgraphs.length} subgraphs`,
    });
  const buffers = model.tables(MODEL.buffers).map((buffer) => dataOf(reader, buffer));
  const codes = model.tables(MODEL.operatorCodes).map(codeOf);
  return {
    file,
    name: main.string(SUBGRAPH.name) ?? '',
    tensors: tensorsOf(main.tables(SUBGRAPH.tensors), buffers, file),
    inputs: main.numbers(SUBGRAPH.inputs, 'int32'),
    outputs: main.numbers(SUBGRAPH.outputs, 'int32'),
    operators: main
      .tables(SUBGRAPH.operators)
      .map((table, index) => operatorOf(table, codes, `${file}: operator ${index}`)),
  };
}

/** In the vector, or behind the flatbuffer (models of more than 2 GB, and what imitates them). */
function dataOf(reader: FlatbufferFile, buffer: Table): Uint8Array | null {
  const offset = buffer.number(BUFFER.offset, 'uint64');
  const size = buffer.number(BUFFER.size, 'uint64');
  if (offset > 1) {
    reader.requireRange(offset, size, 1, 'a buffer');
    return reader.bytes.subarray(offset, offset + size);
  }
  const data = buffer.bytes(BUFFER.data);
  return data === null || data.length === 0 ? null : data;
}

interface Code {
  readonly op: string;
  readonly version: number;
}

/** The code is the larger of the old field, one byte wide, and the new one. */
function codeOf(table: Table): Code {
  const old = table.number(OPERATOR_CODE.deprecatedBuiltinCode, 'int8');
  const code = Math.max(old, table.number(OPERATOR_CODE.builtinCode, 'int32'));
  const custom = table.string(OPERATOR_CODE.customCode);
  const op = code === CUSTOM ? `custom operator ${quoted(custom ?? '')}` : operatorName(code);
  return { op, version: table.number(OPERATOR_CODE.version, 'int32', 1) };
}

function operatorOf(table: Table, codes: readonly Code[], where: string): TfliteOperator {
  const index = table.number(OPERATOR.opcodeIndex, 'uint32');
  const code = codes[index];
  if (code === undefined)
    throw malformed({
      where,
      message: 'its code does not exist',
      expected: `one of ${codes.length} operator codes`,
      found: String(index),
    });
  return {
    ...code,
    inputs: table.numbers(OPERATOR.inputs, 'int32'),
    outputs: table.numbers(OPERATOR.outputs, 'int32'),
    optionsType: table.number(OPERATOR.optionsType, 'uint8'),
    options: table.table(OPERATOR.options),
  };
}

function tensorsOf(
  tables: readonly Table[],
  buffers: readonly (Uint8Array | null)[],
  file: string,
): TfliteTensor[] {
  const taken = new Set<string>();
  return tables.map((table, index) => {
    const name = freshName(table.string(TENSOR.name) ?? '', index, taken);
    return tensorOf(table, name, buffers, `${file}: ${quoted(name)}`);
  });
}

/** Names are for people, and the format lets them repeat or be left out. */
function freshName(name: string, index: number, taken: Set<string>): string {
  let fresh = name === '' ? `tensor ${index}` : name;
  // Two tensors at most have the same position in their names, so this ends.
  while (taken.has(fresh)) fresh = `${fresh} (${index})`;
  taken.add(fresh);
  return fresh;
}

function tensorOf(
  table: Table,
  name: string,
  buffers: readonly (Uint8Array | null)[],
  where: string,
): TfliteTensor {
  if (table.flag(TENSOR.isVariable))
    throw unsupported({
      where,
      message: 'not supported yet: variable tensors, which keep state between runs',
    });
  if (table.table(TENSOR.sparsity) !== null)
    throw unsupported({ where, message: 'not supported yet: sparse tensors' });
  if (table.number(TENSOR.externalBuffer, 'uint32') !== 0)
    throw unsupported({ where, message: 'not supported yet: values in external files' });
  const code = table.number(TENSOR.type, 'int8');
  const type = TENSOR_TYPES.get(code);
  if (type === undefined)
    throw unsupported({
      where,
      message: 'not supported yet: tensors of this type',
      expected: [...TENSOR_TYPES.values()].join(', '),
      found: OTHER_TENSOR_TYPES.get(code) ?? `TensorType ${code}`,
    });
  const buffer = table.number(TENSOR.buffer, 'uint32');
  if (buffer >= Math.max(buffers.length, 1))
    throw malformed({
      where,
      message: 'its buffer does not exist',
      expected: `one of ${buffers.length}`,
      found: String(buffer),
    });
  return {
    name,
    type,
    shape: shapeOf(table.numbers(TENSOR.shape, 'int32'), where),
    ...quantizationOf(table.table(TENSOR.quantization), where),
    data: buffers[buffer] ?? null,
  };
}

function shapeOf(shape: readonly number[], where: string): readonly number[] {
  if (shape.length > MAX_RANK)
    throw unsupported({
      where,
      message: 'not supported yet: tensors of so many axes',
      expected: `at most ${MAX_RANK}`,
      found: String(shape.length),
    });
  if (shape.some((extent) => extent < 1))
    throw malformed({
      where,
      message: 'an extent of its shape is not positive',
      expected: 'the extents that the model was converted for, at least 1',
      found: `[${shape.join(', ')}]`,
      hint: 'convert the model with a fixed input shape',
    });
  if (shape.reduce((product, extent) => product * extent, 1) > MAX_TENSOR_ELEMENTS)
    throw unsupported({
      where,
      message: 'not supported yet: tensors of this size',
      expected: `at most ${MAX_TENSOR_ELEMENTS} elements`,
      found: `[${shape.join(', ')}]`,
    });
  return shape;
}

function quantizationOf(
  table: Table | null,
  where: string,
): Pick<TfliteTensor, 'scales' | 'zeroPoints' | 'axis'> {
  if (table === null) return { scales: [], zeroPoints: [], axis: 0 };
  if (table.number(QUANTIZATION.detailsType, 'uint8') !== 0)
    throw unsupported({ where, message: 'not supported yet: blockwise and custom quantization' });
  const scales = table.numbers(QUANTIZATION.scale, 'float32');
  const zeroPoints = table.numbers(QUANTIZATION.zeroPoint, 'int64');
  const wrong = scales.find((scale) => !Number.isFinite(scale) || scale < 0);
  if (wrong !== undefined)
    throw malformed({
      where,
      message: 'a scale is no positive number',
      expected: 'finite positive numbers',
      found: String(wrong),
    });
  return { scales, zeroPoints, axis: table.number(QUANTIZATION.quantizedDimension, 'int32') };
}
