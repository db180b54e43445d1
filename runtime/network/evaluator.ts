import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { buildNetworkProgram } from '../../compiler/network/program.ts';
import type { DisposableHandle } from '../disposable.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { guardSeal } from '../seal/failure.ts';
import { loadSeal } from '../seal/module.ts';
import { buildWithScope } from '../seal/scope.ts';
import type { SealScope } from '../seal/scope.ts';
import { loadPacking } from '../wire/packer.ts';
import { ModulusEvaluator } from './modulusEvaluator.ts';
import type { Modules, StepObserver } from './modulusEvaluator.ts';

/** Who evaluates a network: weights and the client's evaluation keys, no key that decrypts. */
export class NetworkEvaluator implements DisposableHandle {
  readonly #scope: SealScope;
  readonly #moduli: readonly ModulusEvaluator[];
  readonly #inputCiphertexts: number;

  constructor(scope: SealScope, modules: Modules, plan: NetworkPlan) {
    const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
    this.#scope = scope;
    this.#inputCiphertexts = program.inputs.length;
    this.#moduli = plan.parameters.plainModuli.map(
      (plainModulus) => new ModulusEvaluator(scope, modules, plan, program, plainModulus),
    );
  }

  /** @throws CipherconvError `malformed-tensor` for bytes that are not keys of this plan. */
  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#scope.assertOpen('evaluator');
    guardSeal('load the evaluation keys', () => {
      for (const modulus of this.#moduli) modulus.loadKeys(bytes);
    });
  }

  /**
   * One result for each plain modulus, from the ciphertexts of an upload, modulus after modulus.
   * @throws CipherconvError `malformed-tensor`; `usage` without keys.
   */
  evaluate(upload: readonly Uint8Array[], observe: StepObserver = () => undefined): Uint8Array[] {
    this.#scope.assertOpen('evaluator');
    const each = this.#inputCiphertexts;
    requireCiphertextCount('upload', each * this.#moduli.length, upload.length);
    return guardSeal('evaluate', () =>
      this.#moduli.map((modulus, index) =>
        modulus.evaluate(upload.slice(index * each, (index + 1) * each), observe),
      ),
    );
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * An evaluator of the plan, its weights transformed.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createNetworkEvaluator(plan: NetworkPlan): Promise<NetworkEvaluator> {
  const [seal, packing] = await Promise.all([loadSeal(), loadPacking()]);
  return buildWithScope((scope) =>
    guardSeal('prepare the weights', () => new NetworkEvaluator(scope, { seal, packing }, plan)),
  );
}
