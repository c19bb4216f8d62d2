import { COVARIANCE_MAX_ROWS } from '../learning';
import { TOLD } from './batch';

/**
 * How many candidates each way of filling `places` looks at, best first. A shortlist that is made beforehand, elsewhere, is made as long as this says, so
 * both sides ask here.
 */

/** Candidates kept beyond those wanted, for rules to refuse. */
const SPARE = 64;
/** Candidates that a batch is put together from jointly: the best of them one by one, this many or eight times the batch. */
const JOINT_ROWS = 2000;
const JOINT_TIMES = 8;
/** The same of several properties, where every candidate is drawn of each: this many or four times the batch. */
const TRADED_ROWS = 600;
const TRADED_TIMES = 4;

/** Of a ranking. With rules a good deal more: what they refuse is made up for without another pass. */
export const rankedRows = (places: number, ruled: boolean): number =>
  ruled ? 4 * places + SPARE : places + TOLD;

/** Under one joint posterior with what is held. */
export const jointRows = (held: number, places: number): number =>
  roomFor(held, Math.max(JOINT_ROWS, JOINT_TIMES * places));

/** Candidates that integrated variance is reckoned over, and chosen among: drawn from the pool by a seeded hash. */
const REFERENCE_ROWS = 2500;

export const sampledRows = (held: number, places: number): number =>
  roomFor(held, Math.max(REFERENCE_ROWS, JOINT_TIMES * places));

/** By joint draws. */
export const drawnRows = (held: number, places: number): number =>
  roomFor(held, Math.max(JOINT_ROWS, places));

/** By joint draws of several properties. */
export const tradedRows = (places: number): number => Math.max(TRADED_ROWS, TRADED_TIMES * places);

/** As many rows as a joint covariance has room for beside what is held. */
const roomFor = (held: number, rows: number): number => Math.min(rows, COVARIANCE_MAX_ROWS - held);
