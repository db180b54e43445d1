import { OptionDefaults } from 'typedoc';
import { GROUP_ORDER, sitePages } from './tools/docs/pages.ts';

/**
 * The docs site, of our pages and of the API: `npm run docs` writes it to out/docs and checks its links, `npm run docs:check`
 * fails on a name of the API without a sentence.
 */
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
  out: 'out/docs',
  readme: 'README.md',
  customCss: './tools/docs/site.css',
  plugin: ['./tools/docs/plugin.ts'],
  router: 'path',
  projectDocuments: sitePages().map(({ path }) => path),
  // Hardly a type here extends another.
  includeHierarchySummary: false,
  groupOrder: GROUP_ORDER,
  navigation: { includeGroups: true, includeFolders: false },
  // Pages stay in the order of the list above.
  sort: ['kind', 'instance-first', 'alphabetical-ignoring-documents'],
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'python', 'ini'],
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
