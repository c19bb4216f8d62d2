/** The parts of prom-client's `collectDefaultMetrics`, of which it offers no choice; they have no types of their own. */
declare module 'prom-client/lib/metrics/*' {
  import type { Registry } from 'prom-client';
  const collect: (registry: Registry) => void;
  export = collect;
}
