import { printable } from '../../../compiler/base/printable.ts';
import { createFarm } from '../../farm/farm.ts';
import type { FarmStatus, PlanStatus } from '../../farm/status.ts';
import { farmAddress } from '../redisFlags.ts';
import type { RedisFlags } from '../redisFlags.ts';
import type { Terminal } from '../terminal.ts';

interface FarmStatusFlags extends RedisFlags {
  readonly json?: true | undefined;
}

export async function showFarmStatus(flags: FarmStatusFlags, io: Terminal): Promise<void> {
  const { url, options } = await farmAddress(flags, io);
  const farm = await createFarm(url, options);
  try {
    const status = await farm.status();
    io.print(flags.json === true ? `${JSON.stringify(status)}\n` : describeStatus(status));
  } finally {
    await farm.dispose();
  }
}

const MIB = 2 ** 20;

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

/** For people. */
function describeStatus({ redis, memory, plans }: FarmStatus): string {
  const limit = memory.limitBytes === 0 ? 'no limit' : `of ${mib(memory.limitBytes)}`;
  const lines = [`${redis}: ${mib(memory.usedBytes)} of memory in use, ${limit}`];
  if (plans.length === 0) lines.push('no plan has been seen here');
  for (const plan of plans) lines.push(...describePlan(plan));
  return `${lines.map(printable).join('\n')}\n`;
}

function describePlan(plan: PlanStatus): string[] {
  const [last = 0, ...before] = plan.donePerMinute;
  const minutes = before.length + 1;
  const mean = plan.donePerMinute.reduce((sum, count) => sum + count, 0) / minutes;
  return [
    `${plan.name === '' ? 'a plan without a name' : plan.name} (${plan.digest})`,
    `  waiting ${plan.waiting}, active ${plan.active}, failed ${plan.failed}, workers ${plan.workers}`,
    ...(plan.isDead
      ? ['  dead: jobs are there and no worker takes them; start farm worker with the plan of this digest']
      : []),
    plan.donePerMinute.length === 0
      ? '  no job was done in the last whole minute'
      : `  done in the last whole minute: ${last}; mean of the last ${minutes}: ${mean.toFixed(1)}`,
    ...plan.failures.map(({ job, reason, text }) => `  failed: ${job}: ${reason}: ${text}`),
  ];
}
