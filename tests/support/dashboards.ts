import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';

const FOLDER = path.join(packageRoot, 'infra/monitoring/grafana/dashboards');

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets: readonly { readonly expr: string }[];
}

/** The dashboards as Grafana reads them. */
export const dashboards = (): { readonly uid: string; readonly panels: readonly Panel[] }[] =>
  readdirSync(FOLDER).map(
    (file) => JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as { uid: string; panels: Panel[] },
  );

/** What every panel asks, as Prometheus gets it: all campaigns, rates over `interval`. */
export const dashboardQueries = (
  interval = '5m',
): { readonly board: string; readonly panel: string; readonly expr: string }[] =>
  dashboards().flatMap(({ uid, panels }) =>
    panels
      .filter(({ type }) => type !== 'row')
      .flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({
          ...{ board: uid, panel: title },
          expr: expr.replaceAll('$__rate_interval', interval).replaceAll('$campaign', '.*'),
        })),
      ),
  );
