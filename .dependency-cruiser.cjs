/** Import direction: src -> runtime -> compiler. `npm run depcruise` (tools/depcruise.ts) runs it and refuses an empty run. */

/** What the runtime may see of the compiler: data and its checks, never a lowering or a parameter search. */
const RUNTIME_VIEW = 'spec|plan|packing|program|verify|interval|tensor|errors';

/** Node's own modules, with and without `node:`. */
const NODE_MODULES = `^(node:)?(${require('node:module').builtinModules.join('|')})$`;

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
      name: 'browser-without-node',
      comment: 'The page and the client run in browsers: nothing of Node, not even through others.',
      severity: 'error',
      from: { path: '^src/(page|client)/' },
      to: { path: NODE_MODULES, reachable: true },
    },
    {
      name: 'browser-without-server',
      comment: 'The page and the client hold nothing of the server, the compiler search or the evaluator.',
      severity: 'error',
      from: { path: '^src/(page|client)/' },
      to: { path: '^src/(server|cli)/', reachable: true },
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
