/**
 * How an evaluation is cut into units that whoever is free takes next: filling a plane, or computing a piece: one
 * polynomial of a block of rows. Workers get unequal shares of a busy machine, so nobody is told beforehand what to do. But each
 * begins with a block group of its own where there are several: planes are read fastest by the processor that has filled them.
 */
export interface WorkPlan {
  readonly groups: number;
  /** Of every block group. */
  readonly planes: number;
  readonly pieces: number;
  /** Sets of planes in memory: that many block groups, a wave, are worked on at a time. */
  readonly sets: number;
}

export interface Unit {
  readonly kind: 'plane' | 'piece';
  /** Number of the plane or piece. */
  readonly index: number;
  /** Units of its block group that must be done before this one begins: planes before what reads them. */
  readonly after: number;
}

/** What sets of planes may take: enough that small block groups wait for each other seldom. */
const PLANES_BYTES = 2 ** 23;

/** @param planesBytes of one set */
export function planWork(sizes: Omit<WorkPlan, 'sets'>, planesBytes: number): WorkPlan {
  const fitting = Math.max(1, Math.min(sizes.groups, Math.floor(PLANES_BYTES / planesBytes)));
  const waves = Math.ceil(sizes.groups / fitting);
  return { ...sizes, sets: Math.ceil(sizes.groups / waves) };
}

/** Units of a block group. */
export function countUnits({ planes, pieces }: WorkPlan): number {
  return planes + pieces;
}

/** Unit number `number` of a block group: first its planes, then its pieces. */
export function unitAt({ planes }: WorkPlan, number: number): Unit {
  return number < planes
    ? { kind: 'plane', index: number, after: 0 }
    : { kind: 'piece', index: number - planes, after: planes };
}

/** Which set of planes a block group has. All of the group that had it before must be done before it is filled. */
export function setOf({ sets }: WorkPlan, group: number): number {
  return group % sets;
}

/**
 * The block groups in the order in which worker number `worker` of `workers` looks for units: wave by wave, in each from a
 * place of its own on.
 */
export function groupsInOrder({ groups, sets }: WorkPlan, worker: number, workers: number): number[] {
  const order: number[] = [];
  for (let first = 0; first < groups; first += sets) {
    const wave = Math.min(sets, groups - first);
    const begin = Math.floor((worker * wave) / workers);
    for (let index = 0; index < wave; index++) order.push(first + ((begin + index) % wave));
  }
  return order;
}

/**
 * The block groups in the order in which their uploads are made ready: what the workers begin with comes first. Without
 * it a worker would wait for uploads that it needs last.
 */
export function groupsAsNeeded(work: WorkPlan, workers: number): number[] {
  const orders = Array.from({ length: workers }, (_, worker) => groupsInOrder(work, worker, workers));
  return [
    ...new Set(Array.from({ length: work.groups }, (_, turn) => orders.map((order) => order[turn]!)).flat()),
  ];
}
