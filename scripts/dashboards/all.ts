import { campaign } from './campaign';
import { cost } from './cost';
import { data } from './data';
import { serving } from './serving';
import { workers } from './workers';

const BOARDS = { campaign, serving, workers, data, cost };

/** Every dashboard, by its file's name. */
export const renderDashboards = (): Map<string, object> =>
  new Map(Object.entries(BOARDS).map(([name, board]) => [`${name}.json`, board.build()]));
