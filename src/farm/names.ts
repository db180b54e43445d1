/** Names of everything of a farm in its Redis. */

const ROOT = 'cipherconv';

/** BullMQ's own keys, by plan: `cipherconv:queue:DIGEST:...` */
export const QUEUE_PREFIX = `${ROOT}:queue`;

/** A hash of the plans that are known to the farm: digest to name. */
export const PLANS_KEY = `${ROOT}:plans`;

export const uploadKey = (job: string): string => `${ROOT}:upload:${job}`;

export const resultKey = (job: string): string => `${ROOT}:result:${job}`;

export const evaluationKeysKey = (keys: string): string => `${ROOT}:keys:${keys}`;
