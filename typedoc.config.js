import { OptionDefaults } from 'typedoc';

/** The API documentation: `npm run docs:api` writes it to out/api, `npm run docs:check` fails on a name without a sentence. */
export default {
  name: 'cipherconv',
  entryPoints: [
    'src/index.ts',
    'src/client/index.ts',
    'src/server/index.ts',
    'src/farm/index.ts',
    'src/eslint/index.ts',
  ],
  tsconfig: 'tsconfig.docs.json',
  out: 'out/api',
  readme: 'none',
  githubPages: false,
  // The same sources give the same pages: no dates, no commits.
  disableGit: true,
  disableSources: true,
  hideGenerator: true,
  excludeExternals: true,
  blockTags: [...OptionDefaults.blockTags, '@generated'],
  validation: { notExported: true, invalidLink: true, notDocumented: true, rewrittenLink: true },
  requiredToBeDocumented: [
    'Class',
    'Interface',
    'TypeAlias',
    'Function',
    'Variable',
    'Enum',
    'EnumMember',
    'Property',
    'Method',
    'Accessor',
  ],
  // Messages of onnx.proto, as @bufbuild/protobuf generates them: their documentation is ONNX's.
  // The union of a TFLite operator's options, which docs/tflite.md lists.
  intentionallyNotExported: [
    'src/interpreter/fixedPoint/node.ts:OperationOf',
    'src/interpreter/fixedPoint/node.ts:OperatorName',
    'src/frontend/onnx/proto/onnx_pb.ts:AttributeProto',
    'src/frontend/onnx/proto/onnx_pb.ts:ModelProto',
  ],
  treatWarningsAsErrors: true,
};
