import type { Finding, Level } from '../../lint/finding.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { plural } from './words.ts';

/** Findings of the linter, the worst first, each with what to do. */

const LEVELS: readonly Level[] = ['error', 'warning', 'info'];

/** Findings of one level that are listed; a model may have thousands. */
const MOST = 500;

export function findingItems(findings: readonly Finding[]): Markup {
  return markup`${LEVELS.flatMap((level) =>
    levelItems(
      level,
      findings.filter((finding) => finding.level === level),
    ),
  )}`;
}

/** Remarks that are many of one kind are folded: they are read when somebody looks for them. */
const MOST_REMARKS = 3;

function levelItems(level: Level, found: readonly Finding[]): Markup[] {
  if (found.length === 0) return [];
  const rest = found.length - MOST;
  const more = rest > 0 ? markup`<p>And ${plural(rest, 'finding')} more.</p>` : null;
  const list = markup`<ul class="findings">${found.slice(0, MOST).map(item)}</ul>${more}`;
  if (level !== 'info' || found.length <= MOST_REMARKS) return [list];
  const rules = [...new Set(found.map(({ rule }) => rule))].map(
    (rule) => `${plural(found.filter((finding) => finding.rule === rule).length, 'time')} ${rule}`,
  );
  return [
    markup`<details class="fold"><summary>${plural(found.length, 'remark')}: ${rules.join(', ')}</summary>${list}</details>`,
  ];
}

function item({ level, rule, message, hint, file, line, column, layer }: Finding): Markup {
  const place = [file, ...(line === null ? [] : [String(line), String(column ?? 1)])].join(':');
  return markup`<li class="finding ${level}"><p><span class="badge ${level}">${level}</span> <code>${rule}</code> <span class="quiet">${place}${layer === null ? '' : `, ${layer}`}</span></p><p>${message}</p>${hint === null ? null : markup`<p><strong>Try:</strong> ${hint}.</p>`}</li>`;
}

export function findingsSection(findings: readonly Finding[]): Markup {
  const counts = LEVELS.map((level) =>
    plural(findings.filter((finding) => finding.level === level).length, level === 'info' ? 'remark' : level),
  );
  return markup`<section class="card" id="findings"><h2>Findings</h2><p>${counts.join(', ')}.</p>${findings.length === 0 ? null : findingItems(findings)}</section>`;
}
