import type { Parameters } from '../bfv/parameters.ts';
import type { Layout } from './layout.ts';
import type { ClientViewBase, PlanBase } from './plan.ts';

/** What clients and checks of foreign plans need of a lowering: data alone, no weight, no search. */
export interface ViewRules<P extends PlanBase, V extends ClientViewBase> {
  /** The discriminant of plans and views. */
  readonly name: P['lowering'];
  /** The client's part of a plan. */
  view(plan: P, base: ClientViewBase): V;
  /**
   * Checks what only this lowering's views say; the rest is checked already.
   * @throws CipherconvError `plan-rejected`
   */
  checkView(view: V): void;
  /**
   * Checks what only this lowering asks of parameters.
   * @throws CipherconvError `plan-rejected`
   */
  checkParameters(parameters: Parameters): void;
  /** Where every element stands, and what of it travels. */
  layout(view: V): Layout;
  /** Whether ciphertexts are rotated, and so a special prime is needed. */
  rotates(plan: P | V): boolean;
}
