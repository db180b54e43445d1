import type { ComparedLayer, ComparedRun } from './compare.ts';

/** The comparison as a table: one line a layer and lowering. */

const HEAD = [
  'layer',
  'lowering',
  'equal',
  'N',
  'q bits',
  't',
  'rotations',
  'products',
  'keys',
  'key bytes',
  'upload',
  'response',
  'compile',
  'keygen',
  'prepare',
  'encrypt',
  'evaluate',
  'decrypt',
];

function cells(id: string, run: Extract<ComparedRun, { kind: 'ran' }>): string[] {
  const { params, counts, bytes, ms } = run;
  const times = [run.compile, ms.keygen, ms.prepare, ms.encrypt, ms.evaluate, ms.decrypt];
  return [
    id,
    run.lowering,
    run.match ? 'yes' : 'NO',
    String(params.degree),
    params.coeffModulusBits.join('+'),
    String(params.plainModulus),
    String(counts.rotations),
    String(counts.products),
    String(run.keys),
    String(bytes.keys),
    String(bytes.upload),
    String(bytes.response),
    ...times.map((time) => time.toFixed(1)),
  ];
}

/** Milliseconds are medians; keygen, prepare and the key bytes come once a session. */
export function compareTable(layers: readonly ComparedLayer[]): string {
  const rows = layers.flatMap(({ id, runs }) =>
    runs.flatMap((run) => (run.kind === 'ran' ? [cells(id, run)] : [])),
  );
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const refused = layers.flatMap(({ id, runs }) =>
    runs.flatMap((run) => (run.kind === 'refused' ? [`${id} ${run.lowering}: ${run.reason}`] : [])),
  );
  const ratios = layers.flatMap(({ id, runs }) => {
    const [toeplitz, diagonals] = runs;
    if (toeplitz?.kind !== 'ran' || diagonals?.kind !== 'ran') return [];
    const ratio = diagonals.ms.evaluate / toeplitz.ms.evaluate;
    return [`${id}: diagonals evaluate in ${ratio.toFixed(1)} times the time of toeplitz`];
  });
  return `${['milliseconds, medians of 3 runs', line(HEAD), ...rows.map(line), ...refused, ...ratios].join('\n')}\n`;
}
