import { CipherconvError } from '../../compiler/base/errors.ts';
import { protocolOf } from '../../compiler/lowering/plan.ts';
import type { Protocol } from '../../compiler/lowering/plan.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { breakEven, protocolCost } from '../../compiler/toeplitz/protocolCost.ts';
import type { BreakEven, ProtocolCost } from '../../compiler/toeplitz/protocolCost.ts';

/** What a plan costs under both protocols, and from how many inferences on hints cost less. */
export interface ProtocolReport {
  /** The protocol of the plan. */
  readonly protocol: Protocol;
  /** Whether the protocol was asked for. */
  readonly asked: boolean;
  /** What the plan costs. */
  readonly own: ProtocolCost;
  /** The same convolution under the other protocol, or why there is no such plan. */
  readonly other: ProtocolCost | { readonly refused: string };
  /** Null where there is only one. */
  readonly breakEven: BreakEven | null;
}

/** Compiles the other protocol's plan under the plan's own request. Null for plans that rotate: they have no other. */
export function protocolReport(plan: Plan): ProtocolReport | null {
  if (plan.lowering !== 'toeplitz') return null;
  const protocol = protocolOf(wireOf(plan));
  const own = protocolCost(plan);
  const other = otherCost(plan, protocol);
  const [standard, hint] = protocol === 'hint' ? [other, own] : [own, other];
  return {
    protocol,
    asked: plan.request.protocol !== 'auto',
    own,
    other,
    breakEven: 'refused' in standard || 'refused' in hint ? null : breakEven(standard, hint),
  };
}

function otherCost({ spec, request }: ToeplitzPlan, own: Protocol): ProtocolReport['other'] {
  const protocol = own === 'hint' ? 'standard' : 'hint';
  try {
    return protocolCost(compileSpec(spec, { ...request, lowering: 'toeplitz', protocol }));
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { refused: error.details.message };
  }
}

/** The report as lines of text. */
export function protocolReportLines({ asked, own, other, breakEven: even }: ProtocolReport): string[] {
  const lines = [`${costText(own)}${asked ? ' (as asked for)' : ''}`];
  if ('refused' in other) return [...lines, `hints cannot do it: ${other.refused}`];
  return [...lines, `or ${costText(other)}`, ...(even === null ? [] : [evenText(even)])];
}

function costText(cost: ProtocolCost): string {
  const online = `${cost.onlineMilliseconds.toFixed(2)} ms and ${cost.bytes} bytes an inference`;
  if (cost.protocol === 'standard') return `standard: about ${online}`;
  return (
    `hints: about ${online}, ${cost.offlineMilliseconds.toFixed(2)} ms before it on the client; ` +
    `once ${cost.onceMilliseconds.toFixed(2)} ms on the server and a download of ${cost.onceBytes} bytes`
  );
}

function evenText({ time, bytes }: BreakEven): string {
  const from = (count: number | null): string => {
    if (count === null) return 'never';
    return count === 1 ? 'from the first inference on' : `from ${count} inferences on`;
  };
  return `hints cost less: by time ${from(time)}, by bytes ${from(bytes)}`;
}
