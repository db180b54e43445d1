import type { FarmConnection, FarmNotice } from './connection.ts';
import { QUEUE_PREFIX } from './names.ts';
import type { BullQueue, FarmPackages } from './packages.ts';

/** All that the parts of a farm share. */
export interface FarmContext {
  readonly packages: FarmPackages;
  readonly connection: FarmConnection;
  readonly notice: FarmNotice;
  /** How long bytes stay in the Redis that nobody fetches, milliseconds. */
  readonly expireMs: number;
}

/** What every object of BullMQ is made with. A plan has a queue of its own, so that workers only take what they can do. */
export function bullOptions({ connection }: FarmContext): {
  readonly connection: FarmConnection['redis'];
  readonly prefix: string;
  readonly skipVersionCheck: true;
} {
  return { connection: connection.redis, prefix: QUEUE_PREFIX, skipVersionCheck: true };
}

/** The queue of a plan. */
export async function openQueue(context: FarmContext, digest: string): Promise<BullQueue> {
  const queue = new context.packages.Queue(digest, bullOptions(context));
  queue.on('error', ignore);
  await context.connection.ask(() => queue.waitUntilReady());
  return queue;
}

/** For errors of connections, which the farm's own connection tells of. */
export function ignore(): void {
  // Without a listener they would end the process.
}
