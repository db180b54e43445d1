/** Import direction: src -> runtime -> compiler. `npm run depcruise` (tools/depcruise.ts) runs it and refuses an empty run. */

const { builtinModules } = require('node:module');

/**
 * Which folder may import which, itself included without a word. A folder in a folder (toeplitz/direct) is one room with
 * it. Imports only run upward in this list, so there are no circles of folders.
 */
const FOLDERS = {
  'compiler/base': [],
  'compiler/rings': ['compiler/base'],
  'compiler/convolution': ['compiler/base'],
  'compiler/accumulator': ['compiler/base', 'compiler/convolution'],
  'compiler/bfv': ['compiler/base', 'compiler/rings'],
  'compiler/cost': ['compiler/base', 'compiler/bfv'],
  'compiler/lowering': [
    'compiler/base',
    'compiler/rings',
    'compiler/convolution',
    'compiler/accumulator',
    'compiler/bfv',
    'compiler/cost',
  ],
  // Siblings: neither knows the other.
  'compiler/toeplitz': [
    'compiler/base',
    'compiler/rings',
    'compiler/convolution',
    'compiler/accumulator',
    'compiler/bfv',
    'compiler/cost',
    'compiler/lowering',
  ],
  'compiler/diagonals': [
    'compiler/base',
    'compiler/rings',
    'compiler/convolution',
    'compiler/accumulator',
    'compiler/bfv',
    'compiler/cost',
    'compiler/lowering',
  ],
  'compiler/lowerings': [
    'compiler/base',
    'compiler/convolution',
    'compiler/accumulator',
    'compiler/bfv',
    'compiler/cost',
    'compiler/lowering',
    'compiler/toeplitz',
    'compiler/diagonals',
  ],
  // Whole networks: of the lowerings it shares the words for keys, nothing else.
  'compiler/network': ['compiler/base', 'compiler/rings', 'compiler/bfv', 'compiler/lowering'],
  // The runtime executes plans: of the compiler it knows data and its checks (see `runtime-compiles-nothing` too).
  'runtime/seal': ['compiler/base', 'compiler/bfv'],
  'runtime/ring': ['compiler/base', 'compiler/rings'],
  // Matrix products of floats, for src/fit: nothing here knows what they are for.
  'runtime/training': [],
  'runtime/clear': ['compiler/base', 'compiler/convolution'],
  'runtime/wire': [
    'compiler/base',
    'compiler/bfv',
    'compiler/lowering',
    'compiler/toeplitz',
    'compiler/diagonals',
    'compiler/lowerings',
    'runtime/seal',
    'runtime/ring',
  ],
  'runtime/client': [
    'compiler/base',
    'compiler/rings',
    'compiler/convolution',
    'compiler/bfv',
    'compiler/lowering',
    'compiler/toeplitz',
    'compiler/diagonals',
    'compiler/lowerings',
    'runtime/seal',
    'runtime/ring',
    'runtime/wire',
  ],
  'runtime/evaluator': [
    'compiler/base',
    'compiler/rings',
    'compiler/bfv',
    'compiler/lowering',
    'compiler/toeplitz',
    'compiler/diagonals',
    'compiler/lowerings',
    'runtime/seal',
    'runtime/ring',
    'runtime/wire',
  ],
  // Client and evaluator of whole networks; a server takes the evaluator alone (SECRETS).
  'runtime/network': [
    'compiler/base',
    'compiler/rings',
    'compiler/bfv',
    'compiler/lowering',
    'compiler/network',
    'runtime/seal',
    'runtime/wire',
  ],
  'runtime/pool': [
    'compiler/base',
    'compiler/lowering',
    'compiler/toeplitz',
    'compiler/lowerings',
    'runtime/seal',
    'runtime/ring',
    'runtime/wire',
    'runtime/evaluator',
  ],
};

/** One rule a folder. What is not in the table at all is refused by `folder-in-the-table`. */
const folderRules = Object.entries(FOLDERS).map(([folder, allowed]) => ({
  name: `folder:${folder}`,
  comment: `The table says which folders ${folder} may import.`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(compiler|runtime)/[^/]+/',
    pathNot: `^(${[folder, ...allowed].join('|')})/`,
  },
}));

/** What a server is made of. */
const SERVER_SIDE =
  '^(src/(server|farm)/|runtime/(evaluator|pool)/|runtime/network/(evaluator|modulusEvaluator)\\.ts$)';
/** What makes, reads, keeps or uses a secret key. */
const SECRETS =
  '^(src/client/|runtime/network/client\\.ts$|runtime/client/(client|ringClient|sealClient|hintClient|oneTimeKey|sealDecrypt|tools|zeroPool)\\.ts$|runtime/seal/(negacyclic|secretKey|zeroEncryptor|noiseMeter)\\.ts$)';
/** What clients leave alone: servers and what they are made of, and the compiler but for data and packing. */
const NOT_FOR_CLIENTS = `${SERVER_SIDE}|^compiler/(accumulator/|cost/costs|convolution/filterMatrix|lowerings/(registry|compile|choose|program|simulate|verify)|(toeplitz|toeplitz/direct|diagonals)/(lowering|compile|search|cost|program|simulate|verify|verifyOutputs|verifySources|lanes)\\.ts$)`;

/** Node's own modules. */
const NODE = `^(node:.*|${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'compiler-is-pure',
      comment: 'The compiler imports nothing but itself: no runtime, no src, no node:*, no npm package.',
      severity: 'error',
      from: { path: '^compiler/' },
      to: { pathNot: '^compiler/' },
    },
    {
      name: 'runtime-not-to-src',
      comment: 'Imports run src -> runtime -> compiler.',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^src/' },
    },
    ...folderRules,
    {
      name: 'folder-in-the-table',
      comment: 'A new folder of the compiler or the runtime gets its line in the table FOLDERS.',
      severity: 'error',
      from: {},
      to: { path: '^(compiler|runtime)/[^/]+/', pathNot: `^(${Object.keys(FOLDERS).join('|')})/` },
    },
    {
      name: 'runtime-compiles-nothing',
      comment: 'The runtime never compiles, searches, estimates or simulates.',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^compiler/[a-z/]+/(compile|search|choose|cost|simulate|registry|lowering)\\.ts$' },
    },
    {
      name: 'seal-in-one-place',
      comment: 'Only runtime/seal (and tests) import node-seal.',
      severity: 'error',
      from: { pathNot: '^(runtime/seal|test|node_modules)/' },
      to: { path: '(^|/)node-seal(/|$)' },
    },
    {
      name: 'lint-without-seal',
      comment: 'The linter and its ESLint plugin never load SEAL, not even through others.',
      severity: 'error',
      from: { path: '^src/(lint|eslint)/' },
      to: { path: '^runtime/seal/', reachable: true },
    },
    {
      name: 'nothing-imports-the-page',
      comment: 'The page is a program of its own; the playground is built on it, and tests may import it.',
      severity: 'error',
      from: { pathNot: '^(src/page|src/playground|test)/' },
      to: { path: '^src/page/' },
    },
    {
      name: 'page-without-server',
      comment:
        'The page is the client and the convolution in the clear: no evaluator, no program, no compiler.',
      severity: 'error',
      from: { path: '^src/page/' },
      to: { path: NOT_FOR_CLIENTS, reachable: true },
    },
    {
      name: 'page-without-node',
      comment: 'The page runs in browsers.',
      severity: 'error',
      from: { path: '^src/page/' },
      to: { path: NODE, reachable: true },
    },
    {
      name: 'nothing-imports-the-playground',
      comment: 'The playground is a program of its own; tests may import it.',
      severity: 'error',
      from: { pathNot: '^(src/playground|test)/' },
      to: { path: '^src/playground/' },
    },
    {
      name: 'playground-client-without-server',
      comment: 'The worker with the key is the client of the page: no weights, no evaluator, no compiler.',
      severity: 'error',
      from: { path: '^src/playground/(clientWorker|portFetch)\\.ts$' },
      to: { path: NOT_FOR_CLIENTS, reachable: true },
    },
    {
      name: 'playground-server-without-secrets',
      comment: 'The worker that evaluates has no key, and nothing that makes one.',
      severity: 'error',
      from: { path: '^src/playground/(serverWorker|server)\\.ts$' },
      to: { path: SECRETS, reachable: true },
    },
    {
      name: 'playground-without-node',
      comment: 'The playground runs in browsers, the compiler with it.',
      severity: 'error',
      from: { path: '^src/playground/' },
      to: { path: NODE, reachable: true },
    },
    {
      name: 'server-without-secrets',
      comment:
        'What evaluates for others never reaches what makes, reads or keeps a secret key, not even through others.',
      severity: 'error',
      from: { path: SERVER_SIDE },
      to: { path: SECRETS, reachable: true },
    },
    {
      name: 'server-without-segments',
      comment:
        'A server computes encrypted layers: it never reaches what computes between them, not even through others.',
      severity: 'error',
      from: { path: SERVER_SIDE },
      to: {
        path: '^src/(interpreter/interpreter|model/(runFlow|openClearGraph|onnxGraph|tfliteGraph|layerTensors))\\.ts$',
        reachable: true,
      },
    },
    {
      name: 'client-without-server',
      comment: 'cipherconv/client holds no evaluator, no kernel, no program, no compiler and no proof.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: NOT_FOR_CLIENTS, reachable: true },
    },
    {
      name: 'interpreter-without-node',
      comment: 'The interpreter runs in browsers.',
      severity: 'error',
      from: { path: '^src/interpreter/' },
      to: { path: NODE, reachable: true },
    },
    {
      name: 'report-without-node',
      comment: 'The data of reports and what draws them run in browsers.',
      severity: 'error',
      from: { path: '^src/report/(data|html|packing)/' },
      to: { path: NODE, reachable: true },
    },
    {
      name: 'interpreter-knows-no-format',
      comment:
        'The interpreter computes on tensors: of ONNX it takes the names of element types, and nothing else of src.',
      severity: 'error',
      from: { path: '^src/interpreter/' },
      to: { path: '^src/', pathNot: '^src/(interpreter/|frontend/onnx/proto/codes\\.ts$)' },
    },
    {
      name: 'client-without-node',
      comment: 'cipherconv/client runs in browsers.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: NODE, reachable: true },
    },
    {
      name: 'sources-not-to-test',
      comment: 'Nothing that is published imports benches, tests, examples or tools.',
      severity: 'error',
      from: { path: '^(compiler|runtime|src)/' },
      to: { path: '^(bench|test|examples|tools)/' },
    },
    {
      name: 'no-cycles',
      comment: 'No circular imports, of types neither.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that does not resolve would escape the other rules.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // AssemblyScript, compiled into direct.gen.ts: it imports nothing.
    exclude: { path: '^runtime/assembly/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
