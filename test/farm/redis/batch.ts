import { expect } from 'vitest';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import { clientView } from '../../../compiler/lowerings/views.ts';
import { viewRules } from '../../../compiler/lowerings/views.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { decodeMessage, encodeMessage } from '../../../runtime/wire/message.ts';
import { messageLengths } from '../../../runtime/wire/lengths.ts';
import { createPlanClient } from '../../../src/client/index.ts';
import type { PlanClient } from '../../../src/client/index.ts';
import type { FarmInput, FarmResult } from '../../../src/farm/index.ts';
import { clientPlanOf } from '../../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../../src/frontend/planFile.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { simpleSpec } from '../../support/simple.ts';
import { randomInput } from '../../support/specs.ts';

/** Uploads of 256 KiB each, 20 ciphertexts, that take a worker some milliseconds. */
export const QUARTER_MIB = pointwise(54);

/** A 1x1 filter over so many channels of 48 x 48. */
function pointwise(channels: number): ConvSpec {
  return simpleSpec({
    input: { channels, height: 48, width: 48, bits: 4 },
    pads: [0, 0, 0, 0],
    weights: {
      outChannels: 1,
      channelsPerGroup: channels,
      kernelHeight: 1,
      kernelWidth: 1,
      values: Array.from({ length: channels }, (_, index) => 1 + (index % 3)),
    },
  });
}

/** A plan, its client, and as many different inputs as wanted. */
export interface TestBatch {
  readonly stored: StoredPlan;
  readonly client: PlanClient;
  readonly spec: ConvSpec;
  readonly inputs: readonly FarmInput[];
  /** Fails unless the response of that input is right, integer by integer. */
  readonly check: (result: FarmResult) => void;
  readonly dispose: () => void;
}

/**
 * Encrypting a thousand inputs would take longer than evaluating them: each upload here is put together from ciphertexts of
 * a few, all of one key, and so is the input that it stands for.
 * @param count at most 1,000
 */
export async function testBatch(spec: ConvSpec, count: number, encrypted = 10): Promise<TestBatch> {
  const plan = compileToeplitz(spec);
  const stored = storedPlan(plan, 'NCHW');
  const client = await createPlanClient(clientPlanOf(stored));
  const view = clientView(plan);
  const { uploads } = viewRules(view).layout(view);
  const tensors = Array.from({ length: Math.min(count, encrypted) }, (_, seed) =>
    randomInput(spec, seed + 1),
  );
  const expected = { kind: 'upload', digest: stored.digest, lengths: messageLengths(view).upload } as const;
  const messages = tensors.map((tensor) => decodeMessage(client.encrypt(tensor), expected));
  /** Which encryption ciphertext `position` of input `index` comes from: its digit there, in the base of their number. */
  const sourceOf = (index: number, position: number): number =>
    Math.floor(index / tensors.length ** position) % tensors.length;
  const tensorOf = (index: number): Tensor => {
    const data = new Float64Array(tensors[0]!.data.length);
    uploads.forEach(({ elements }, position) => {
      const source = tensors[sourceOf(index, position)]!.data;
      for (const element of elements) data[element] = source[element]!;
    });
    return { ...tensors[0]!, data };
  };
  const inputs = Array.from({ length: count }, (_, index) => ({
    name: String(index),
    message: encodeMessage(
      'upload',
      stored.digest,
      uploads.map((__, position) => messages[sourceOf(index, position)]![position]!),
    ),
  }));
  return {
    stored,
    client,
    spec,
    inputs,
    check: (result) => {
      if (result.kind === 'failed') throw new Error(`${result.reason}: ${result.text}`);
      const { data } = client.decrypt(result.response);
      const right = convolve(spec, tensorOf(Number(result.name))).data;
      expect(data.length).toBe(right.length);
      expect(data.findIndex((value, at) => value !== right[at])).toBe(-1);
    },
    dispose: () => {
      client.dispose();
    },
  };
}
