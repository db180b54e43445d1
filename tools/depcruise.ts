/** Checks the import direction with dependency-cruiser, and fails when it saw nothing: an empty run proves nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

interface CruiseResult {
  modules: { source: string; dependencies: unknown[] }[];
  summary: {
    violations: {
      rule: { name: string; severity: string };
      from: string;
      to: string;
      cycle?: { name: string }[];
    }[];
  };
}

const BIN = 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs';
const SOURCES = ['compiler', 'runtime', 'src'];
const ROOTS = [...SOURCES, 'bench', 'test', 'examples', 'tools'].filter((folder) => existsSync(folder));

function cruise(): CruiseResult {
  const args = [BIN, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...ROOTS];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return JSON.parse(output) as CruiseResult;
}

const { modules, summary } = cruise();
const problems = summary.violations.map(({ rule, from, to, cycle }) => {
  const path = cycle ? cycle.map(({ name }) => name).join(' -> ') : to;
  return `${rule.severity} ${rule.name}: ${from} -> ${path}`;
});
for (const folder of SOURCES) {
  const seen = modules.filter(({ source }) => source.startsWith(`${folder}/`));
  if (seen.length === 0) problems.push(`error empty: no module seen in ${folder}/`);
}
const imports = modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
if (imports === 0) problems.push('error empty: no import seen');

for (const problem of problems) console.error(problem);
console.log(`depcruise: ${problems.length} problems in ${modules.length} modules, ${imports} imports`);
process.exitCode = problems.length === 0 ? 0 : 1;
