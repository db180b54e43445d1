/**
 * How an evaluation is cut into units that whoever is free takes next: filling a plane, or computing a piece: one
 * polynomial of a block of rows.
 * Workers get unequal shares of a busy machine, so nobody is told beforehand what to do.
 */
export interface WorkPlan {
  readonly groups: number;
  /** Of every block group. */
  readonly planes: number;
  readonly pieces: number;
  /** Sets of planes in memory: that many block groups are worked on at a time. */
  readonly sets: number;
}

export interface Unit {
  readonly kind: 'plane' | 'piece';
  readonly group: number;
  readonly set: number;
  /** Number of the plane or piece. */
  readonly index: number;
  /** Units that must be done before this one begins: planes before what reads them, and the other way round. */
  readonly after: number;
  /** Units that may begin only when all up to here are done. */
  readonly phaseEnd: number;
}

/** What sets of planes may take: enough that small block groups wait for each other seldom. */
const PLANES_BYTES = 2 ** 23;

/** @param planesBytes of one set */
export function planWork(sizes: Omit<WorkPlan, 'sets'>, planesBytes: number): WorkPlan {
  const fitting = Math.max(1, Math.min(sizes.groups, Math.floor(PLANES_BYTES / planesBytes)));
  const waves = Math.ceil(sizes.groups / fitting);
  return { ...sizes, sets: Math.ceil(sizes.groups / waves) };
}

export function countUnits({ groups, planes, pieces }: WorkPlan): number {
  return groups * (planes + pieces);
}

/** Unit number `number`: wave by wave of block groups, first their planes, then their pieces. */
export function unitAt({ groups, planes, pieces, sets }: WorkPlan, number: number): Unit {
  const wave = Math.floor(number / (sets * (planes + pieces)));
  const firstGroup = wave * sets;
  const waveGroups = Math.min(sets, groups - firstGroup);
  const firstUnit = firstGroup * (planes + pieces);
  const firstPiece = firstUnit + waveGroups * planes;
  const kind = number < firstPiece ? 'plane' : 'piece';
  const [after, each] = kind === 'plane' ? [firstUnit, planes] : [firstPiece, pieces];
  const set = Math.floor((number - after) / each);
  return {
    kind,
    group: firstGroup + set,
    set,
    index: (number - after) % each,
    after,
    phaseEnd: after + waveGroups * each,
  };
}
