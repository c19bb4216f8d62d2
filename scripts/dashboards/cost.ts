import { board, figure, lines, rate } from './board';

const SPEND = 'titrate:spend:usd_increase1d{campaign=~"$campaign"}';
const TOTAL = 'titrate_cost_usd_total{campaign=~"$campaign"}';

/** What is spent, by the prices that this installation goes by. */
export const cost = board(
  {
    name: 'cost',
    title: 'cost',
    description: 'Estimates: what was used, at the list prices of this release; no bill.',
    byCampaign: true,
  },
  [
    {
      title: 'Now',
      panels: [
        figure({ title: 'Machines, last day', unit: 'currencyUSD' }, [
          'sum(titrate:spend:usd_increase1d{campaign=~"$campaign", kind!="assay"})',
          'machines',
        ]),
        figure({ title: 'Limit of a campaign and day', unit: 'currencyUSD' }, [
          'max(titrate:spend_limit_day:usd)',
          'limit',
        ]),
        figure(
          {
            title: 'Counted so far',
            description: 'Since the processes that count began.',
            unit: 'currencyUSD',
          },
          [`sum by (campaign) (${TOTAL})`, '{{campaign}}'],
        ),
        figure({ title: 'Of it, assays', unit: 'currencyUSD' }, [
          'sum by (campaign) (titrate_cost_usd_total{campaign=~"$campaign", kind="assay"})',
          '{{campaign}}',
        ]),
      ],
    },
    {
      title: 'Over time',
      panels: [
        lines({ title: 'Spend of the last day, by campaign', unit: 'currencyUSD' }, [
          `sum by (campaign) (${SPEND})`,
          '{{campaign}}',
        ]),
        lines({ title: 'Spend of the last day, by kind', unit: 'currencyUSD' }, [
          `sum by (kind) (${SPEND})`,
          '{{kind}}',
        ]),
        lines(
          {
            title: 'For a label',
            description: 'Machines and assays, over all that was counted.',
            unit: 'currencyUSD',
          },
          [
            `sum by (campaign) (${TOTAL}) / (sum by (campaign) (titrate_labels_total{campaign=~"$campaign"}) > 0)`,
            '{{campaign}}',
          ],
        ),
        lines({ title: 'CPU of activities', description: 'Cores, by queue.', unit: 'none' }, [
          rate('titrate_activity_cpu_seconds_total', 'task_queue'),
          '{{task_queue}}',
        ]),
      ],
    },
  ],
);
