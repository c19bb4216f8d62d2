import { board, figure, lines } from './board';

const OF = '{campaign=~"$campaign"}';
const most = (gauge: string, by = 'campaign') => `max by (${by}) (${gauge}${OF})`;
/** Values that are points in time are shown in Grafana's milliseconds. */
const at = (timestamp: string) => `1000 * ${most(timestamp)}`;

/** How campaigns go: for whoever owns one. */
export const campaign = board(
  {
    name: 'campaign',
    title: 'campaigns',
    description: 'Where each campaign is, what it has found, whether its model holds.',
    byCampaign: true,
  },
  [
    {
      title: 'Now',
      panels: [
        figure({ title: 'Stage', unit: 'none' }, [
          most('titrate_campaign_info', 'campaign, stage'),
          '{{campaign}}: {{stage}}',
        ]),
        figure({ title: 'Round', unit: 'none' }, [most('titrate_campaign_round'), '{{campaign}}']),
        figure({ title: 'Best value', description: 'In the unit of the property.', unit: 'none' }, [
          most('titrate_campaign_best_value'),
          '{{campaign}}',
        ]),
        figure({ title: 'Labels', unit: 'none' }, [most('titrate_campaign_labels'), '{{campaign}}']),
        figure({ title: 'Without a result, of the batch in the lab', unit: 'none' }, [
          most('titrate_campaign_batch_outstanding'),
          '{{campaign}}',
        ]),
        figure({ title: 'Results expected', unit: 'dateTimeFromNow' }, [
          at('titrate_campaign_batch_due_timestamp_seconds'),
          '{{campaign}}',
        ]),
        figure({ title: 'At its stage since', unit: 'dateTimeFromNow' }, [
          `1000 * ${most('titrate_campaign_stage_entered_timestamp_seconds', 'campaign, stage')}`,
          '{{campaign}}: {{stage}}',
        ]),
        figure({ title: 'Paused', description: '1 while it is.', unit: 'none' }, [
          most('titrate_campaign_paused'),
          '{{campaign}}',
        ]),
      ],
    },
    {
      title: 'What was found',
      panels: [
        lines({ title: 'Best value', description: 'In the unit of the property.', unit: 'none' }, [
          most('titrate_campaign_best_value'),
          '{{campaign}}',
        ]),
        lines(
          { title: 'Labels, and results that are missing', unit: 'none' },
          [most('titrate_campaign_labels'), '{{campaign}} labels'],
          [most('titrate_campaign_batch_outstanding'), '{{campaign}} missing'],
        ),
        lines({ title: 'Molecules handed out, by strategy', unit: 'none' }, [
          `sum by (campaign, strategy) (titrate_batch_molecules_total${OF})`,
          '{{campaign}} {{strategy}}',
        ]),
        lines({ title: 'Candidates looked at, a second', unit: 'ops' }, [
          'sum(rate(titrate_acquisition_candidates_total[$__rate_interval]))',
          'candidates',
        ]),
      ],
    },
    {
      title: 'How long it takes',
      panels: [
        lines(
          { title: 'Machine time of a round, and its forecast', unit: 's' },
          [most('titrate_round_machine_seconds'), '{{campaign}} last round'],
          [most('titrate_campaign_round_forecast_seconds'), '{{campaign}} forecast'],
        ),
        lines(
          {
            title: 'Time at a stage of work, and how long is too long',
            description:
              'Waits for the lab, for approval and for rollouts do not count. Above the second line, and with no activity that ends, TitrateCampaignStuck fires.',
            unit: 's',
          },
          [`titrate:campaign_stage:seconds${OF}`, '{{campaign}} {{stage}}'],
          [`titrate:campaign_patience:seconds${OF}`, '{{campaign}} too long'],
        ),
        lines({ title: 'Time of a stage, mean of the last hour', unit: 's' }, [
          'sum by (stage) (increase(titrate_stage_duration_seconds_sum[1h])) / (sum by (stage) (increase(titrate_stage_duration_seconds_count[1h])) > 0)',
          '{{stage}}',
        ]),
        lines(
          {
            title: 'Batches past the day they were expected',
            description: 'Below 0: still time.',
            unit: 's',
          },
          [`titrate:campaign_batch_due:seconds${OF}`, '{{campaign}}'],
        ),
      ],
    },
    {
      title: 'Whether the model holds',
      panels: [
        lines(
          { title: 'RMSE on held-out molecules', description: 'In the unit of the property.', unit: 'none' },
          [most('titrate_model_heldout_rmse'), '{{campaign}}'],
        ),
        lines(
          {
            title: 'Held-out values inside the 90 % interval',
            description: 'Sound is 80 % to 97 %.',
            unit: 'percentunit',
          },
          [most('titrate_model_heldout_coverage'), '{{campaign}}'],
        )
          .min(0)
          .max(1),
        lines({ title: 'Rank correlation on held-out molecules', unit: 'none' }, [
          most('titrate_model_heldout_rank_correlation'),
          '{{campaign}}',
        ]),
        lines({ title: 'Rollouts that ended, by outcome', unit: 'none' }, [
          `sum by (campaign, outcome) (titrate_rollouts_total${OF})`,
          '{{campaign}} {{outcome}}',
        ]),
        lines(
          {
            title: 'Drift: the last verdict of each detector',
            description: '0 not enough data, 1 ok, 2 watch, 3 act.',
            unit: 'none',
          },
          [`titrate:drift_verdict:latest${OF}`, '{{campaign}} {{detector}}'],
        )
          .min(0)
          .max(3),
        lines(
          { title: 'Drift: effect sizes', description: "In each detector's own measure.", unit: 'none' },
          [most('titrate_drift_effect_size', 'campaign, detector'), '{{campaign}} {{detector}}'],
        ),
        lines({ title: 'Drift: looks by verdict', unit: 'none' }, [
          `sum by (campaign, verdict) (titrate_drift_looks_total${OF})`,
          '{{campaign}} {{verdict}}',
        ]),
        lines({ title: 'Drift: what was done about it', unit: 'none' }, [
          `sum by (campaign, action) (titrate_drift_actions_total${OF})`,
          '{{campaign}} {{action}}',
        ]),
      ],
    },
  ],
);
