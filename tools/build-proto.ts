/**
 * `npm run build:proto [-- --check]`: writes src/frontend/onnx/proto/onnx_pb.ts from onnx.proto with protoc-gen-es; with --check
 * only says whether that file is what the source gives (exit 1 if not). protoc itself is a program of the system, so the
 * little of the language that onnx.proto uses is read here: messages, oneofs, repeated fields; no enums, no options.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  DescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;
type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'src', 'frontend', 'onnx', 'proto');
const GENERATOR = join(ROOT, 'node_modules', '@bufbuild', 'protoc-gen-es', 'bin', 'protoc-gen-es');

const SCALARS: Readonly<Record<string, Type>> = {
  float: Type.FLOAT,
  double: Type.DOUBLE,
  int32: Type.INT32,
  int64: Type.INT64,
  uint64: Type.UINT64,
  string: Type.STRING,
  bytes: Type.BYTES,
};

/** The file as words and punctuation, comments left out. */
function tokensOf(source: string): string[] {
  return source.replaceAll(/\/\/.*$/gm, '').match(/"[^"]*"|[\w.]+|[{}=;]/g) ?? [];
}

class Parser {
  private readonly tokens: string[];
  private position = 0;

  constructor(source: string) {
    this.tokens = tokensOf(source);
  }

  private next(): string {
    const token = this.tokens[this.position++];
    if (token === undefined) throw new Error('onnx.proto ends too soon');
    return token;
  }

  private expect(token: string): void {
    const found = this.next();
    if (found !== token) throw new Error(`onnx.proto: expected ${token}, found ${found}`);
  }

  private until(end: string, read: (token: string) => void): void {
    for (let token = this.next(); token !== end; token = this.next()) read(token);
  }

  file(): MessageInitShape<typeof FileDescriptorProtoSchema> {
    const messageType: MessageInit[] = [];
    let name = '';
    while (this.position < this.tokens.length) {
      const token = this.next();
      if (token === 'message') messageType.push(this.message());
      else if (token === 'package') name = this.statement()[0] ?? '';
      else if (token === 'syntax') this.statement();
      else throw new Error(`onnx.proto: ${token} is not known here`);
    }
    return { name: 'onnx.proto', package: name, syntax: 'proto3', messageType };
  }

  /** Words up to the semicolon. */
  private statement(): string[] {
    const words: string[] = [];
    this.until(';', (token) => words.push(token));
    return words;
  }

  private message(): MessageInit {
    const name = this.next();
    const [field, nestedType]: [FieldInit[], MessageInit[]] = [[], []];
    const oneofDecl: { name: string }[] = [];
    this.expect('{');
    this.until('}', (token) => {
      if (token === 'message') nestedType.push(this.message());
      else if (token === 'oneof') {
        oneofDecl.push({ name: this.next() });
        this.expect('{');
        this.until('}', (type) => field.push({ ...this.field(type), oneofIndex: oneofDecl.length - 1 }));
      } else field.push(this.field(token));
    });
    return { name, field, nestedType, oneofDecl };
  }

  private field(first: string): FieldInit {
    const repeated = first === 'repeated';
    const type = repeated ? this.next() : first;
    const name = this.next();
    this.expect('=');
    const number = Number(this.next());
    this.expect(';');
    const scalar = SCALARS[type];
    return {
      name,
      number,
      jsonName: name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      label: repeated ? Label.REPEATED : Label.OPTIONAL,
      ...(scalar === undefined ? { typeName: type } : { type: scalar }),
    };
  }
}

/** Gives every field of message type the full name, looked up from the inside out, as protobuf does. */
function resolveTypes(file: MessageInitShape<typeof FileDescriptorProtoSchema>): void {
  const known = new Set<string>();
  const visit = (
    messages: readonly MessageInit[],
    scope: string,
    act: (message: MessageInit, name: string) => void,
  ): void => {
    for (const message of messages) {
      const name = `${scope}.${message.name ?? ''}`;
      act(message, name);
      visit(message.nestedType ?? [], name, act);
    }
  };
  const [scope, messages] = [`.${file.package ?? ''}`, file.messageType ?? []];
  visit(messages, scope, (_, name) => known.add(name));
  visit(messages, scope, (message, name) => {
    for (const field of message.field ?? []) {
      if (field.typeName === undefined) continue;
      let inside = name;
      while (inside !== '' && !known.has(`${inside}.${field.typeName}`))
        inside = inside.slice(0, inside.lastIndexOf('.'));
      if (inside === '') throw new Error(`onnx.proto: no type ${field.typeName}`);
      field.typeName = `${inside}.${field.typeName}`;
      field.type = Type.MESSAGE;
    }
  });
}

const parsed = new Parser(readFileSync(join(FOLDER, 'onnx.proto'), 'utf8')).file();
resolveTypes(parsed);
const request = create(CodeGeneratorRequestSchema, {
  fileToGenerate: ['onnx.proto'],
  parameter: 'target=ts,import_extension=none',
  protoFile: [create(FileDescriptorProtoSchema, parsed)],
});
const answer = execFileSync(process.execPath, [GENERATOR], {
  input: toBinary(CodeGeneratorRequestSchema, request),
});
const response = fromBinary(CodeGeneratorResponseSchema, answer);
const text = response.file[0]?.content;
if (text === undefined) throw new Error(`protoc-gen-es: ${response.error}`);
const target = join(FOLDER, 'onnx_pb.ts');
if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/frontend/onnx/proto/onnx_pb.ts is not what onnx.proto gives: npm run build:proto');
  process.exitCode = 1;
}
