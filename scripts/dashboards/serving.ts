import { board, figure, lines, quantile, rate } from './board';

/** The servers of models, and candidates on trial. */
export const serving = board(
  {
    name: 'serving',
    title: 'serving',
    description: 'How predictions are answered, and how candidates on trial do.',
  },
  [
    {
      title: 'Objective: 99.5 % of the requests in 30 days',
      panels: [
        figure({ title: 'Servers that answer', unit: 'none' }, [
          'sum(up{job="titrate-inference"})',
          'servers',
        ]),
        figure(
          {
            title: 'Error budget left',
            description: 'Of the 0.5 % that may fail in 30 days.',
            unit: 'percentunit',
          },
          ['titrate:inference_error_budget:left30d', '{{job}}'],
        ),
        figure({ title: 'Requests that failed, last hour', unit: 'percentunit' }, [
          'titrate:inference_errors:ratio_rate1h',
          '{{job}}',
        ]),
        figure({ title: 'Slowest hundredth', unit: 's' }, [
          'titrate:inference_request_duration:p99_5m',
          '{{job}}',
        ]),
        lines(
          {
            title: 'Share of requests that failed',
            description: 'Pages: 7.2 % in an hour, 3 % in six. A ticket: 0.5 % in three days.',
            unit: 'percentunit',
          },
          ['titrate:inference_errors:ratio_rate5m', '5 min'],
          ['titrate:inference_errors:ratio_rate30m', '30 min'],
          ['titrate:inference_errors:ratio_rate1h', '1 h'],
          ['titrate:inference_errors:ratio_rate6h', '6 h'],
          ['titrate:inference_errors:ratio_rate3d', '3 d'],
        ),
        lines({ title: 'Errors, a second', unit: 'ops' }, [
          rate('titrate_inference_errors_total', 'code'),
          '{{code}}',
        ]),
      ],
    },
    {
      title: 'Requests',
      panels: [
        lines({ title: 'Requests, a second', unit: 'reqps' }, [
          rate('titrate_inference_requests_total', 'route, status'),
          '{{route}} {{status}}',
        ]),
        lines(
          { title: 'Time of a request', unit: 's' },
          [quantile(0.5, 'titrate_inference_request_duration_seconds', 'job'), 'median'],
          [quantile(0.99, 'titrate_inference_request_duration_seconds', 'job'), '99th percentile'],
        ),
        lines({ title: 'Molecules, a second', unit: 'ops' }, [
          rate('titrate_inference_molecules_total', 'model, outcome'),
          '{{model}} {{outcome}}',
        ]),
        lines({ title: 'Found again in the cache', unit: 'percentunit' }, [
          'sum by (kind) (rate(titrate_inference_cache_lookups_total{outcome="hit"}[$__rate_interval])) / (sum by (kind) (rate(titrate_inference_cache_lookups_total[$__rate_interval])) > 0)',
          '{{kind}}',
        ]),
      ],
    },
    {
      title: 'Load',
      panels: [
        lines(
          { title: 'Molecules that wait, and the most that may', unit: 'none' },
          ['sum by (instance) (titrate_inference_queue_molecules)', '{{instance}}'],
          ['max(titrate_inference_queue_limit_molecules)', 'limit'],
        ),
        lines({ title: 'Time in the queue, 99th percentile', unit: 's' }, [
          quantile(0.99, 'titrate_inference_queue_wait_seconds', 'job'),
          '{{job}}',
        ]),
        lines({ title: 'Molecules worked on together, median', unit: 'none' }, [
          quantile(0.5, 'titrate_inference_batch_molecules', 'job'),
          '{{job}}',
        ]),
        lines(
          { title: 'Models loaded', unit: 'none' },
          ['sum by (instance) (titrate_inference_loaded_models)', '{{instance}}'],
          ['sum by (instance) (titrate_inference_load_failing)', '{{instance}} failing'],
        ),
        figure({ title: 'Versions that answer', unit: 'none' }, [
          'max by (model, version) (titrate_inference_live_model_info)',
          '{{model}}/{{version}}',
        ]),
        figure({ title: 'Predictions kept for drift', unit: 'none' }, [
          'sum by (outcome) (titrate_inference_log_records_total)',
          '{{outcome}}',
        ]),
      ],
    },
    {
      title: 'By version: the live one, and the one on trial',
      panels: [
        lines({ title: 'Requests, a second', unit: 'reqps' }, [
          rate('titrate_traffic_requests_total', 'model, version, outcome'),
          '{{model}}/{{version}} {{outcome}}',
        ]),
        lines({ title: 'Time of a request, 99th percentile', unit: 's' }, [
          quantile(0.99, 'titrate_traffic_request_duration_seconds', 'model, version'),
          '{{model}}/{{version}}',
        ]),
        lines(
          {
            title: 'Mean of the predicted values',
            description: 'In the unit of the property.',
            unit: 'none',
          },
          [
            '(sum by (model, version) (rate(titrate_traffic_prediction_values_total{sign="positive"}[$__rate_interval])) or 0 * sum by (model, version) (rate(titrate_traffic_molecules_total{outcome="predicted"}[$__rate_interval]))) / (sum by (model, version) (rate(titrate_traffic_molecules_total{outcome="predicted"}[$__rate_interval])) > 0) - ((sum by (model, version) (rate(titrate_traffic_prediction_values_total{sign="negative"}[$__rate_interval])) or 0 * sum by (model, version) (rate(titrate_traffic_molecules_total{outcome="predicted"}[$__rate_interval]))) / (sum by (model, version) (rate(titrate_traffic_molecules_total{outcome="predicted"}[$__rate_interval])) > 0))',
            '{{model}}/{{version}}',
          ],
        ),
        lines(
          { title: 'Candidates: requests and errors of five minutes', unit: 'none' },
          ['titrate:candidate_requests:increase5m', '{{model}}/{{version}}'],
          ['titrate:candidate_errors:increase5m', '{{model}}/{{version}} errors'],
        ),
      ],
    },
  ],
);
