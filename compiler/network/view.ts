import { networkKeys } from './counts.ts';
import { inputPlaces } from './inputPlaces.ts';
import type { InputPlaces } from './inputPlaces.ts';
import type { LogitWindow, NetworkKeys, NetworkParameters, NetworkPlan } from './plan.ts';
import { resultPrimes } from './plan.ts';
import type { NetworkProgram } from './program.ts';
import type { NetworkResults } from './results.ts';
import { firstStage } from './spec.ts';
import type { NetworkInput, NetworkOutput } from './spec.ts';

/** All that encrypting and decrypting needs: no weight, but which inputs meet in the first stage. */
export interface NetworkView {
  /** Of the network, as messages name it. */
  readonly name: string;
  /** What is encrypted. */
  readonly input: NetworkInput;
  /** What the logits mean. */
  readonly output: NetworkOutput;
  /** BFV parameters. */
  readonly parameters: NetworkParameters;
  /** Where input elements go. */
  readonly uploads: InputPlaces;
  /** The evaluation keys that the server needs. */
  readonly keys: NetworkKeys;
  /** Where the logits stand. */
  readonly results: NetworkResults;
  /** Data primes of the results. */
  readonly resultPrimes: number;
  /** How residues become logits. */
  readonly logits: readonly LogitWindow[];
}

/** What clients get of a plan. */
export function networkView(plan: NetworkPlan, program: NetworkProgram): NetworkView {
  const { spec, parameters, analysis } = plan;
  return {
    name: spec.name,
    input: spec.input,
    output: spec.output,
    parameters,
    uploads: inputPlaces(firstStage(spec)),
    keys: networkKeys(program, parameters),
    results: program.results,
    resultPrimes: resultPrimes(plan),
    logits: analysis.logits,
  };
}
