import { printable } from '../../../compiler/base/printable.ts';
import { clientView } from '../../../compiler/lowerings/views.ts';
import type { ClientView } from '../../../compiler/lowerings/plan.ts';
import { messageLengths } from '../../../runtime/wire/lengths.ts';
import { layersOf } from '../../model/modelFlow.ts';
import type { ModelPart } from '../../model/modelSources.ts';
import { alignColumns } from '../../lint/reporters/table.ts';
import { bytesText } from '../runText.ts';
import { bold } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';

/** `explain` of one side of a model. */

interface PartLayer {
  readonly name: string;
  readonly digest: string;
  readonly view: ClientView;
}

function layersOfPart(part: ModelPart): PartLayer[] {
  return part.kind === 'client-model'
    ? layersOf(part.model).map(({ name, client: { digest, view } }) => ({ name, digest, view }))
    : part.model.layers.map(({ digest, plan }) => ({
        name: plan.spec.name,
        digest,
        view: clientView(plan),
      }));
}

interface LayerFacts {
  readonly name: string;
  readonly digest: string;
  readonly degree: number;
  readonly plainModulus: number;
  /** Bytes of the ciphertexts of one inference. */
  readonly upload: number;
  readonly response: number;
}

function factsOf({ name, digest, view }: PartLayer): LayerFacts {
  const { upload, response } = messageLengths(view);
  const { degree, plainModulus } = view.parameters;
  return { name, digest, degree, plainModulus, upload: total(upload), response: total(response) };
}

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** Prints what a side of a model holds. */
export function explainPart(part: ModelPart, json: boolean, io: Terminal): void {
  const { model } = part;
  const layers = layersOfPart(part).map(factsOf);
  if (json) {
    const { name, digest } = model;
    const client =
      part.kind === 'client-model'
        ? {
            inputs: part.model.inputs,
            outputs: part.model.outputs,
            rounds: part.model.rounds.length,
            macs: part.model.macs,
            clear: part.model.clear,
          }
        : { clientPlan: part.model.clientPlan };
    io.print(`${JSON.stringify({ side: SIDES[part.kind], name, digest, ...client, layers })}\n`);
    return;
  }
  const rows = [
    ['layer', 'N', 't', 'up', 'down'],
    ...layers.map(({ name, degree, plainModulus, upload, response }) => [
      printable(name),
      String(degree),
      String(plainModulus),
      bytesText(upload),
      bytesText(response),
    ]),
  ];
  const table = alignColumns(rows, ['left', 'right', 'right', 'right', 'right']);
  const lines = [`the ${SIDES[part.kind]}'s side of a model`, ...table, ...flowLines(part)];
  io.print(
    `${bold(printable(model.name))}  digest ${model.digest}\n\n${lines.map((line) => `  ${line}\n`).join('')}`,
  );
}

const SIDES = { 'client-model': 'client', 'server-model': 'server' } as const;

function flowLines(part: ModelPart): string[] {
  if (part.kind === 'server-model') {
    const { clientPlan } = part.model;
    return [`client plan: ${clientPlan === null ? 'none is handed out' : printable(clientPlan)}`];
  }
  const { inputs, outputs, rounds, clear } = part.model;
  const port = ({ name, type, shape }: (typeof inputs)[number]): string =>
    `${printable(name)} ${type} [${shape?.join(', ') ?? 'any shape'}]`;
  return [
    `inputs: ${inputs.map(port).join(', ')}`,
    `outputs: ${outputs.map(port).join(', ')}`,
    `rounds: ${rounds.length}`,
    ...clear.map(({ name, reason }) => `in the clear: ${printable(name)}: ${printable(reason)}`),
  ];
}
