import {
  DashboardBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Of infra/monitoring/grafana/provisioning/datasources. */
const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' };
/** Grafana's grid is 24 wide. */
const LINES = { width: 12, height: 8 };
const NUMBER = { width: 6, height: 4 };

/** A query and the name of its series; `{{label}}` stands for a label's value. */
export type Query = readonly [expr: string, legend: string];

export interface PanelText {
  readonly title: string;
  /** What the reader should know of it, where the title does not say it all. */
  readonly description?: string;
  /** As Grafana names units: s, bytes, percentunit, currencyUSD, dateTimeFromNow … */
  readonly unit: string;
}

const targets = <T extends { withTarget(query: DataqueryBuilder): T }>(
  panel: T,
  queries: readonly Query[],
): T =>
  queries.reduce(
    (built, [expr, legend], nth) =>
      built.withTarget(
        new DataqueryBuilder()
          .refId(String.fromCharCode(65 + nth))
          .datasource(PROMETHEUS)
          .expr(expr)
          .legendFormat(legend),
      ),
    panel,
  );

/** Lines over time. */
export function lines(
  { title, description, unit }: PanelText,
  ...queries: readonly Query[]
): TimeSeriesBuilder {
  const panel = new TimeSeriesBuilder()
    .title(title)
    .unit(unit)
    .datasource(PROMETHEUS)
    .span(LINES.width)
    .height(LINES.height);
  if (description) panel.description(description);
  return targets(panel, queries);
}

/** The value of now, a figure for each series. */
export function figure({ title, description, unit }: PanelText, ...queries: readonly Query[]): StatBuilder {
  const panel = new StatBuilder()
    .title(title)
    .unit(unit)
    .datasource(PROMETHEUS)
    .span(NUMBER.width)
    .height(NUMBER.height);
  if (description) panel.description(description);
  return targets(panel, queries);
}

type Panel = TimeSeriesBuilder | StatBuilder;

export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface BoardText {
  /** Name of the file, and with `titrate-` before it the board's id in addresses. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whether the reader chooses campaigns; queries then name them by `campaign=~"$campaign"`. */
  readonly byCampaign?: boolean;
}

/** A board of sections, read-only: it is changed here. */
export function board(
  { name, title, description, byCampaign }: BoardText,
  sections: readonly Section[],
): DashboardBuilder {
  const built = new DashboardBuilder(`titrate: ${title}`)
    .uid(`titrate-${name}`)
    .description(description)
    .tags(['titrate'])
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .readonly();
  if (byCampaign) {
    built.withVariable(
      new QueryVariableBuilder('campaign')
        .label('Campaign')
        .datasource(PROMETHEUS)
        .query('label_values(titrate_campaign_info, campaign)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ selected: true, text: 'All', value: '$__all' }),
    );
  }
  let id = 0;
  for (const section of sections) {
    built.withRow(new RowBuilder(section.title).id((id += 1)));
    for (const panel of section.panels) built.withPanel(panel.id((id += 1)));
  }
  return built;
}

/** A counter's rate by labels, a second. */
export const rate = (counter: string, by: string): string =>
  `sum by (${by}) (rate(${counter}[$__rate_interval]))`;

/** A histogram's quantile by labels. */
export const quantile = (q: number, histogram: string, by: string, matchers = ''): string =>
  `histogram_quantile(${q}, sum by (${[by, 'le'].filter(Boolean).join(', ')}) (rate(${histogram}_bucket${matchers}[$__rate_interval])))`;
