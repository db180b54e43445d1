import { printable } from '../../compiler/base/printable.ts';
import type { ModelBenchReport, ModelLayerResult } from '../bench/modelBench.ts';
import { machineLine, milliseconds, stolenLines, table } from './benchText.ts';

const HEAD = [
  'layer',
  'protocol',
  'equal',
  'cold',
  'online',
  'evaluate',
  'offline',
  'prepare once',
  'hint once',
  'up kB',
  'down kB',
  'hint kB',
];

function row(
  name: string,
  protocol: string,
  { match, ms, bytes }: Pick<ModelLayerResult, 'match' | 'ms' | 'bytes'>,
): string[] {
  return [
    printable(name),
    protocol,
    match ? 'yes' : 'NO',
    ...[ms.cold, ms.online, ms.evaluate, ms.offline, ms.prepare, ms.hint].map(milliseconds),
    ...[bytes.upload, bytes.response, bytes.hint].map((count) => (count / 1000).toFixed(1)),
  ];
}

/** Everything a person reads after `cipherconv bench --model`. */
export function describeModelBench({ machine, model, layers, total, peakRssMiB }: ModelBenchReport): string {
  const rows = layers.map((layer) => row(layer.name, layer.protocol, layer));
  const parts = [
    `${printable(model)}: the work of its layers on ${machineLine(machine)}`,
    table([HEAD, ...rows, row('total', '', total)]),
    'cold: standard protocol from nothing, keys and weights included; online: from input to output, keys and weights prepared',
    `cold over online ${total.coldOverOnline.toFixed(1)}x; peak memory ${peakRssMiB} MiB`,
    ...stolenLines(machine.stolen),
  ];
  return `${parts.join('\n\n')}\n`;
}
