import { COLD_START, type CampaignConfig, type ControlRequest, type DriftOrder } from '../contracts';

/** What a campaign knows of drift, carried from one execution to the next. */
export interface DriftState {
  /** Ids of the orders it was given: one that comes again is passed over. */
  readonly taken: readonly string[];
  /** What is to be done at once, in order. */
  readonly queue: readonly DriftOrder[];
  /** What waits until it can be learnt anew. */
  readonly learning: readonly DriftOrder[];
  /** sha256 of the table that was learnt from last, beside the rounds. */
  readonly learntFrom?: string;
  /** What the laboratory is to measure again. */
  readonly controls?: ControlRequest;
}

export const NO_DRIFT: DriftState = { taken: [], queue: [], learning: [] };

/** More than a campaign is ever given; the record of each action says what became of it, whatever is forgotten here. */
const KEPT_IDS = 300;
/** Trials see all labels up to this number. */
const ALL_ROWS = 5000;
const MOST_TRIALS = 50;

export function takeOrders(state: DriftState, orders: readonly DriftOrder[]): DriftState {
  const fresh = orders.filter(
    ({ id }, i) => !state.taken.includes(id) && orders.findIndex((other) => other.id === id) === i,
  );
  return {
    ...state,
    taken: [...state.taken, ...fresh.map(({ id }) => id)].slice(-KEPT_IDS),
    queue: [...state.queue, ...fresh],
  };
}

/** Settings are searched anew: as if nothing had been learnt of them, with twice the trials, on all labels. */
export const reExploring = (config: CampaignConfig): CampaignConfig => ({
  ...config,
  exploration: {
    ...config.exploration,
    warmStart: COLD_START,
    maxRows: ALL_ROWS,
    trialsPerFamily: Math.min(MOST_TRIALS, 2 * config.exploration.trialsPerFamily),
  },
});

/** How a round learns when it is to answer drift. */
export const answering = (config: CampaignConfig, orders: readonly DriftOrder[]): CampaignConfig =>
  orders.some(({ action }) => action === 're-explore') ? reExploring(config) : config;

/** Controls that the batch of a round carries; none are left once their time is over. */
export const controlsAt = ({ controls }: DriftState, round: number): ControlRequest | undefined =>
  controls && round <= controls.until ? controls : undefined;
