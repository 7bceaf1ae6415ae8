/** deploy/grafana/volly.json, from the catalogue: a row for each section, a panel for each metric. */
import { publicName, SECTIONS } from './catalogue.ts';
import type { Metric } from './metric.ts';

const WIDTH = 8;
const HEIGHT = 7;
const COLUMNS = 24;
/** Grafana’s variables: which Prometheus, and which bridges. */
const SOURCE = { type: 'prometheus', uid: '$datasource' };
const SELECT = '{job=~"$job", instance=~"$instance"}';

interface Query {
  readonly expr: string;
  readonly legendFormat: string;
}

function queriesOf(name: string, { kind, labels }: Metric): readonly Query[] {
  const series = publicName(name);
  const by = Object.keys(labels);
  const legendFormat = by.length === 0 ? '{{instance}}' : by.map((label) => `{{${label}}}`).join(' ');
  if (kind === 'histogram') {
    const groups = ['le', ...by].join(', ');
    return [0.5, 0.95, 0.99].map((part) => ({
      expr: `histogram_quantile(${part}, sum by (${groups}) (rate(${series}_bucket${SELECT}[$__rate_interval])))`,
      legendFormat: by.length === 0 ? `${part * 100} %` : `${part * 100} % ${legendFormat}`,
    }));
  }
  const groups = by.length === 0 ? 'instance' : by.join(', ');
  if (kind === 'counter') return [{ expr: `sum by (${groups}) (rate(${series}${SELECT}[$__rate_interval]))`, legendFormat }];
  return [{ expr: by.length === 0 ? `${series}${SELECT}` : `sum by (${groups}) (${series}${SELECT})`, legendFormat }];
}

function unitOf(name: string, kind: Metric['kind']): string {
  if (name.endsWith('_seconds')) return 's';
  if (name.endsWith('_bytes')) return 'bytes';
  return kind === 'counter' ? 'ops' : 'short';
}

const LOOP: Metric = {
  kind: 'gauge',
  help: 'How long the loop of the process stood, of 99 % of the moments that were looked at.',
  why: 'Tens of milliseconds for long: the process is short of CPU, or commits are slow.',
  labels: {},
};

/** What the process itself has, of which the rest is in dashboards for Node. */
const PROCESS: readonly (readonly [title: string, metric: Metric, queries: readonly Query[], unit: string])[] = [
  [
    'nodejs_eventloop_lag_p99_seconds',
    LOOP,
    [{ expr: `nodejs_eventloop_lag_p99_seconds${SELECT}`, legendFormat: '{{instance}}' }],
    's',
  ],
  [
    'process_resident_memory_bytes',
    { ...LOOP, help: 'Memory of the process.', why: 'Grows for days: a leak.' },
    [{ expr: `process_resident_memory_bytes${SELECT}`, legendFormat: '{{instance}}' }],
    'bytes',
  ],
  [
    'process_cpu_seconds_total',
    { ...LOOP, help: 'CPU of the process; 1 is a whole core.', why: 'Near 1: the process can do no more.' },
    [{ expr: `rate(process_cpu_seconds_total${SELECT}[$__rate_interval])`, legendFormat: '{{instance}}' }],
    'short',
  ],
];

export function dashboard(): string {
  const panels: unknown[] = [];
  let y = 0;
  const addRow = (title: string): void => {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
      panels: [],
    });
    y++;
  };
  const addPanels = (all: readonly { title: string; metric: Metric; queries: readonly Query[]; unit: string }[]): void => {
    for (const [i, { title, metric, queries, unit }] of all.entries()) {
      const perRow = COLUMNS / WIDTH;
      panels.push({
        ...{ id: panels.length + 1, type: 'timeseries', title, description: `${metric.help} ${metric.why}`, datasource: SOURCE },
        gridPos: { h: HEIGHT, w: WIDTH, x: (i % perRow) * WIDTH, y: y + Math.floor(i / perRow) * HEIGHT },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
        targets: queries.map((query, n) => ({ refId: String.fromCharCode(65 + n), datasource: SOURCE, ...query })),
      });
    }
    y += Math.ceil(all.length / (COLUMNS / WIDTH)) * HEIGHT;
  };
  for (const { title, metrics } of SECTIONS) {
    addRow(title);
    addPanels(
      Object.entries(metrics).map(([name, metric]) => ({
        ...{ title: publicName(name), metric, queries: queriesOf(name, metric), unit: unitOf(name, metric.kind) },
      })),
    );
  }
  addRow('Node');
  addPanels(PROCESS.map(([title, metric, queries, unit]) => ({ title, metric, queries, unit })));
  return `${JSON.stringify({ ...FRAME, panels }, undefined, 2)}\n`;
}

const choice = (name: string, label: string): unknown => ({
  ...{ name, label, type: 'query', datasource: SOURCE, query: `label_values(volly_build_info, ${name})`, refresh: 2 },
  ...{ includeAll: true, multi: true, current: { text: 'All', value: '$__all' }, sort: 1 },
});

const FRAME = {
  uid: 'volly-bridge',
  title: 'Volly bridge',
  description: 'Generated from src/ops/metrics/ of the bridge; docs/METRICS.md explains each metric.',
  tags: ['volly', 'matrix'],
  schemaVersion: 39,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
      choice('job', 'Job'),
      choice('instance', 'Bridge'),
    ],
  },
};
