import type { BenchReport } from '../bench/benchReport.ts';

/** The benchmark as tables of text. */

type Row = readonly string[];

/** Columns right-aligned under their titles, the first one left. */
export function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function milliseconds(value: number | null): string {
  if (value === null) return '-';
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}

function times(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(2)}x`;
}

function stepTable({ layers }: BenchReport): string {
  const head = [
    'layer',
    'equal',
    'N',
    'q bits',
    'encrypt',
    'code up',
    'evaluate',
    'code down',
    'decrypt',
    'total',
    'up kB',
    'down kB',
  ];
  const rows = layers.map((layer) => [
    layer.id,
    layer.match ? 'yes' : 'NO',
    String(layer.params.degree),
    layer.params.coeffModulusBits.join('+'),
    milliseconds(layer.ms.encrypt),
    milliseconds(layer.ms.encodeUpload),
    milliseconds(layer.ms.evaluate.auto),
    milliseconds(layer.ms.encodeDownload),
    milliseconds(layer.ms.decrypt),
    milliseconds(layer.ms.totalStandard),
    (layer.bytesStandard.upload / 1000).toFixed(1),
    (layer.bytesStandard.response / 1000).toFixed(1),
  ]);
  return table([head, ...rows]);
}

function kernelTable({ layers }: BenchReport): string {
  const head = [
    'layer',
    'auto',
    'own ntt',
    'SEAL ntt',
    'floor',
    'own/floor',
    'SEAL/floor',
    'direct',
    'SEAL/direct',
    'cleartext',
    'auto/cleartext',
    'total/auto',
  ];
  const rows = layers.map(({ id, kernel, ms: time, ratios }) => [
    id,
    kernel,
    milliseconds(time.evaluate.nttOwn),
    milliseconds(time.evaluate.ntt),
    milliseconds(time.floorNtt),
    times(ratios.nttOwnOverFloor),
    times(ratios.nttOverFloor),
    milliseconds(time.evaluate.direct),
    times(ratios.nttOverDirect),
    milliseconds(time.plaintext),
    times(ratios.autoOverPlaintext),
    times(ratios.totalOverAuto),
  ]);
  return table([head, ...rows]);
}

function hintTable({ layers }: BenchReport): string {
  const head = [
    'layer',
    'cleartext',
    'evaluate',
    '/cleartext',
    'best/evaluate',
    'online',
    '/cleartext',
    'offline',
    'SEAL total/total',
    'hint once',
    'up kB',
    'down kB',
    'hint kB',
  ];
  const rows = layers.map(({ id, ms: time, bytes, ratios }) => [
    id,
    milliseconds(time.plaintext),
    milliseconds(time.evaluate.hint),
    times(ratios.hintOverPlaintext),
    times(ratios.bestOverHint),
    milliseconds(time.online),
    times(ratios.onlineOverPlaintext),
    milliseconds(time.offline),
    times(ratios.totalSealOverTotal),
    milliseconds(time.hint),
    (bytes.upload / 1000).toFixed(1),
    (bytes.response / 1000).toFixed(1),
    (bytes.hint / 1000).toFixed(1),
  ]);
  return table([head, ...rows]);
}

function clientTable({ layers }: BenchReport): string {
  const rows = layers.map(({ id, ms: { client } }) => [
    id,
    milliseconds(client.seal.encrypt),
    milliseconds(client.ring.encrypt),
    times(client.seal.encrypt / client.ring.encrypt),
    milliseconds(client.seal.decrypt),
    milliseconds(client.ring.decrypt),
    times(client.seal.decrypt / client.ring.decrypt),
  ]);
  return table([
    ['layer', 'SEAL encrypt', 'ours', 'SEAL/ours', 'SEAL decrypt', 'ours', 'SEAL/ours'],
    ...rows,
  ]);
}

function workerTable({ workers }: BenchReport): string {
  const ids = [...new Set(workers.map(({ id }) => id))];
  const rows = ids.map((id) => {
    const of = workers.filter((entry) => entry.id === id);
    const columns = (['ms', 'fastest'] as const).flatMap((key) => {
      const one = of.find((entry) => entry.workers === 1)?.[key] ?? null;
      const several = of.filter((entry) => entry.workers > 1);
      return [
        of.map((entry) => `${entry.workers}: ${milliseconds(entry[key])}`).join(', '),
        several.map((entry) => times(one === null ? null : one / entry[key])).join(', '),
      ];
    });
    return [id, ...columns];
  });
  return table([['layer', 'workers, with hints: medians', 'speed-up', 'fastest', 'speed-up'], ...rows]);
}

/** Share of stolen time from which on it shows in the figures. */
const WORTH_SAYING = 0.01;

/** What to say where the machine was not ours alone: one line, or none. */
export function stolenLines(share: number | null): string[] {
  if (share === null || share < WORTH_SAYING) return [];
  return [
    `the hypervisor gave ${Math.round(100 * share)}% of the processors' time to others: times, and what threads gain, were better without`,
  ];
}

/** The machine, and what its figures are. */
export function machineLine({ cpu, cores, node, platform }: Omit<BenchReport['machine'], 'stolen'>): string {
  return `${cpu}, ${cores} cores, Node ${node}, ${platform}; milliseconds, medians, one thread`;
}

/** Everything a person reads after `cipherconv bench`. */
export function describeBench(report: BenchReport): string {
  const parts = [
    machineLine(report.machine),
    `Standard protocol\n${stepTable(report)}`,
    kernelTable(report),
    `With hints: online with keys prepared, offline before the input is there\n${hintTable(report)}`,
    `Clients of the standard protocol\n${clientTable(report)}`,
    ...(report.workers.length === 0 ? [] : [workerTable(report)]),
    `peak memory ${report.peakRssMiB} MiB`,
    ...stolenLines(report.machine.stolen),
  ];
  return `${parts.join('\n\n')}\n`;
}
