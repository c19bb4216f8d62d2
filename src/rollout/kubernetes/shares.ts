/** How far a share by replicas may be from what is asked before more pods are started for it, percentage points. */
const TOLERANCE = 5;

export interface ReplicaShare {
  readonly stable: number;
  readonly candidate: number;
  /** What they make of it, percent. */
  readonly share: number;
}

const shareOf = (candidate: number, stable: number) => (100 * candidate) / (candidate + stable);

/**
 * Replicas that give the candidate its share behind one Service, which spreads connections evenly over pods. The stable version
 * never has fewer than it has; it gets more where one candidate would be too much of the whole.
 * @param share percent, 0..100
 * @param stable replicas of the stable version now, at least one
 * @param max most replicas of either
 * @returns the fewest pods within five points of the share; where `max` keeps from that, the nearest share
 */
export function replicaShare(share: number, stable: number, max: number): ReplicaShare {
  if (share <= 0) return { stable, candidate: 0, share: 0 };
  let best: ReplicaShare | null = null;
  const distance = ({ share: real }: ReplicaShare) => Math.abs(real - share);
  for (let s = stable; s <= Math.max(stable, max); s += 1) {
    for (let c = 1; c <= max; c += 1) {
      const option = { stable: s, candidate: c, share: shareOf(c, s) };
      if (!best || isBetter(option, best)) best = option;
    }
  }
  return best!;

  function isBetter(a: ReplicaShare, b: ReplicaShare): boolean {
    const [near, nearBest] = [distance(a) <= TOLERANCE, distance(b) <= TOLERANCE];
    if (near !== nearBest) return near;
    const fewer = a.stable + a.candidate - (b.stable + b.candidate);
    return near && fewer !== 0 ? fewer < 0 : distance(a) < distance(b);
  }
}
