/** Import direction: src -> runtime -> compiler. `npm run depcruise` (tools/depcruise.ts) runs it and refuses an empty run. */

const { builtinModules } = require('node:module');

/** What the runtime may see of the compiler: data and its checks, never a lowering or a parameter search. */
const RUNTIME_VIEW = 'spec|plan|packing|program|verify|interval|tensor|errors';

/** What a server is made of. */
const SERVER_SIDE =
  '^(src/server/|runtime/([^/]*[eE]valuator[^/]*|directMachine|weights)\\.ts$|runtime/pool/|runtime/kernels/direct|runtime/diagonals/evaluator\\.ts$)';
/** What makes, reads, keeps or uses a secret key. */
const SECRETS =
  '^(src/client/|runtime/(client|clientTools|zeroPool|negacyclic)\\.ts$|runtime/diagonals/client\\.ts$|runtime/seal/(secretKey|noiseMeter)\\.ts$)';
/** What clients leave alone: servers and what they are made of, and the compiler but for data and packing. */
const NOT_FOR_CLIENTS = `${SERVER_SIDE}|^compiler/(compile|search|choose|cost|program|simulate|filterMatrix|accumulator|remedies|planKernel|verify(Matrix|Diagonals|Outputs|Sources)?\\.ts$)`;

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
    {
      name: 'runtime-sees-data-only',
      comment: 'The runtime executes plans: from the compiler it takes only data and its checks.',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^compiler/', pathNot: `^compiler/(${RUNTIME_VIEW})` },
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
      comment: 'The page is a program of its own; tests may import it.',
      severity: 'error',
      from: { pathNot: '^(src/page|test)/' },
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
      name: 'server-without-secrets',
      comment:
        'What evaluates for others never reaches what makes, reads or keeps a secret key, not even through others.',
      severity: 'error',
      from: { path: SERVER_SIDE },
      to: { path: SECRETS, reachable: true },
    },
    {
      name: 'client-without-server',
      comment: 'cipherconv/client holds no evaluator, no kernel, no program, no compiler and no proof.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: NOT_FOR_CLIENTS, reachable: true },
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
      comment: 'Nothing that is published imports tests, examples or tools.',
      severity: 'error',
      from: { path: '^(compiler|runtime|src)/' },
      to: { path: '^(test|examples|tools)/' },
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
    exclude: { path: '^runtime/kernels/assembly/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
