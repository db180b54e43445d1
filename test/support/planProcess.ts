/**
 * One side of a plan in a process of its own, started by `fork` with the argument `client` or `server`. It is sent plans
 * and messages and answers each; what passes between the two sides is for whoever started them to carry.
 */
import { createPlanClient, parseClientPlan } from '../../src/client/index.ts';
import type { PlanClient } from '../../src/client/index.ts';
import { createPlanServer, parsePlan } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

export type ServerRequest =
  | { readonly kind: 'plan'; readonly text: string }
  | { readonly kind: 'evaluate'; readonly upload: Uint8Array; readonly keys: Uint8Array };

export type ClientRequest =
  | { readonly kind: 'plan'; readonly text: string }
  | { readonly kind: 'encrypt'; readonly input: Tensor }
  | { readonly kind: 'decrypt'; readonly response: Uint8Array };

export type Answer =
  | { readonly kind: 'ready'; readonly clientPlanText: string }
  | { readonly kind: 'encrypted'; readonly upload: Uint8Array; readonly keys: Uint8Array }
  | { readonly kind: 'evaluated'; readonly response: Uint8Array }
  | { readonly kind: 'decrypted'; readonly output: Tensor }
  | { readonly kind: 'failed'; readonly message: string };

let server: PlanServer | null = null;
let client: PlanClient | null = null;

async function serve(request: ServerRequest): Promise<Answer> {
  if (request.kind === 'plan') {
    server?.dispose();
    server = await createPlanServer(parsePlan(request.text, 'sent'));
    return { kind: 'ready', clientPlanText: server.clientPlanText };
  }
  if (server === null) throw new Error('no plan yet');
  return { kind: 'evaluated', response: server.evaluate(request.upload, request.keys) };
}

async function beClient(request: ClientRequest): Promise<Answer> {
  if (request.kind === 'plan') {
    client?.dispose();
    client = await createPlanClient(parseClientPlan(request.text, 'sent'));
    return { kind: 'ready', clientPlanText: request.text };
  }
  if (client === null) throw new Error('no plan yet');
  switch (request.kind) {
    case 'encrypt':
      return { kind: 'encrypted', upload: client.encrypt(request.input), keys: client.evaluationKeys() };
    case 'decrypt':
      return { kind: 'decrypted', output: client.decrypt(request.response) };
    default:
      return request satisfies never;
  }
}

const isServer = process.argv[2] === 'server';

process.on('message', (request) => {
  const work = isServer ? serve(request as ServerRequest) : beClient(request as ClientRequest);
  work.then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ kind: 'failed', message: String(error) } satisfies Answer),
  );
});
