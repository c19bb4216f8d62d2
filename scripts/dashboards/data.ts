import { board, lines, quantile, rate } from './board';

/** What comes in, what is kept, what is found again. */
export const data = board(
  {
    name: 'data',
    title: 'data',
    description: 'Results of laboratories, sources, features, caches, the warehouse, objects.',
    byCampaign: true,
  },
  [
    {
      title: 'Intake',
      panels: [
        lines({ title: 'Results of the last hour', unit: 'none' }, [
          'titrate:intake_results:increase1h{campaign=~"$campaign"}',
          '{{campaign}} {{outcome}}',
        ]),
        lines(
          {
            title: 'Not taken in, last hour',
            description: 'Rejected, or put into quarantine.',
            unit: 'none',
          },
          ['titrate:intake_refused:increase1h{campaign=~"$campaign"}', '{{campaign}}'],
        ),
        lines({ title: 'From measurement to commit, median', unit: 's' }, [
          quantile(0.5, 'titrate_intake_delay_seconds', ''),
          'median',
        ]),
        lines({ title: 'Labels, as rounds record them', unit: 'none' }, [
          'sum by (campaign) (titrate_labels_total{campaign=~"$campaign"})',
          '{{campaign}}',
        ]),
      ],
    },
    {
      title: 'Sources',
      panels: [
        lines({ title: 'Records ingested', unit: 'none' }, [
          'sum by (outcome) (titrate_ingest_rows_total)',
          '{{outcome}}',
        ]),
        lines({ title: 'Size of what was landed', unit: 'bytes' }, [
          'sum(titrate_ingest_bytes_total)',
          'landed',
        ]),
        lines({ title: 'Structures standardised, a second', unit: 'ops' }, [
          rate('titrate_standardised_molecules_total', 'outcome'),
          '{{outcome}}',
        ]),
        lines({ title: 'Molecules featurised, a second', unit: 'ops' }, [
          rate('titrate_features_molecules_total', 'featurizer, outcome'),
          '{{featurizer}} {{outcome}}',
        ]),
      ],
    },
    {
      title: 'Caches',
      panels: [
        lines({ title: 'Steps found done, share of an hour', unit: 'percentunit' }, [
          '(sum by (step) (increase(titrate_cache_lookups_total{cache="steps", outcome="hit"}[1h])) or 0 * sum by (step) (increase(titrate_cache_lookups_total{cache="steps"}[1h]))) / (sum by (step) (increase(titrate_cache_lookups_total{cache="steps"}[1h])) > 0)',
          '{{step}}',
        ]),
        lines({ title: 'Look-ups, a second', unit: 'ops' }, [
          rate('titrate_cache_lookups_total', 'cache, outcome'),
          '{{cache}} {{outcome}}',
        ]),
        lines({ title: 'Size of caches', unit: 'bytes' }, [
          'sum by (cache, instance) (titrate_cache_bytes)',
          '{{cache}} {{instance}}',
        ]),
      ],
    },
    {
      title: 'Warehouse and objects',
      panels: [
        lines({ title: 'Time of a warehouse operation, 90th percentile', unit: 's' }, [
          quantile(0.9, 'titrate_warehouse_query_duration_seconds', 'operation, engine'),
          '{{operation}} {{engine}}',
        ]),
        lines({ title: 'Bytes that BigQuery billed', unit: 'bytes' }, [
          'sum(titrate_warehouse_bytes_billed_total)',
          'billed',
        ]),
        lines({ title: 'Operations on objects, a second', unit: 'ops' }, [
          rate('titrate_object_operations_total', 'operation, outcome'),
          '{{operation}} {{outcome}}',
        ]),
        lines({ title: 'Bytes of objects, a second', unit: 'Bps' }, [
          rate('titrate_object_bytes_total', 'direction'),
          '{{direction}}',
        ]),
      ],
    },
  ],
);
