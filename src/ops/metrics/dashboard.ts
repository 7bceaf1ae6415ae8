/** deploy/grafana/volly.json, from the catalogue: what is looked at first, then a row for each section with a panel for each metric. */
import { METRICS, publicName, SECTIONS } from './catalogue.ts';
import type { Metric } from './metric.ts';

/** Of Grafana's grid. */
const COLUMNS = 24;
/** Grafana's variables: which Prometheus, and which bridges. */
const SOURCE = { type: 'prometheus', uid: '$datasource' };
const SELECT = '{job=~"$job", instance=~"$instance"}';

interface Query {
  readonly expr: string;
  readonly legendFormat: string;
}

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
}

interface Row {
  readonly title: string;
  /** `stat`: a number. */
  readonly shape: 'timeseries' | 'stat';
  readonly width: number;
  readonly height: number;
  readonly panels: readonly Panel[];
}

const CHARTS = { shape: 'timeseries', width: 8, height: 7 } as const;
const GLANCE = [
  'ready',
  'homeserver_calls_back',
  'devices_online',
  'outbox_oldest_seconds',
  'homeserver_lag_seconds',
  'quarantine_entries',
];

function queriesOf(name: string, { kind, labels }: Metric): readonly Query[] {
  const series = publicName(name);
  const by = Object.keys(labels);
  const legendFormat = by.length === 0 ? '{{instance}}' : by.map((label) => `{{${label}}}`).join(' ');
  const groups = by.length === 0 ? 'instance' : by.join(', ');
  if (kind === 'histogram')
    return [50, 95, 99].map((part) => ({
      expr: `histogram_quantile(${part / 100}, sum by (le, ${groups}) (rate(${series}_bucket${SELECT}[$__rate_interval])))`,
      legendFormat: `${part} % ${legendFormat}`,
    }));
  if (kind === 'counter') return [{ expr: `sum by (${groups}) (rate(${series}${SELECT}[$__rate_interval]))`, legendFormat }];
  return [{ expr: by.length === 0 ? `${series}${SELECT}` : `sum by (${groups}) (${series}${SELECT})`, legendFormat }];
}

function unitOf(name: string, kind: Metric['kind']): string {
  if (name.endsWith('_seconds')) return 's';
  if (name.endsWith('_bytes')) return 'bytes';
  return kind === 'counter' ? 'ops' : 'short';
}

function panelOf(name: string, metric: Metric): Panel {
  const { help, why, kind } = metric;
  const description = `${help} ${why}`;
  return { title: publicName(name), description, unit: unitOf(name, kind), queries: queriesOf(name, metric) };
}

/** What the process itself has; the rest of that is in dashboards for Node. */
const PROCESS: readonly Panel[] = (
  [
    [
      'nodejs_eventloop_lag_p99_seconds',
      's',
      'How long the loop stood. Tens of milliseconds for long: short of CPU, or commits are slow.',
    ],
    ['process_resident_memory_bytes', 'bytes', 'Memory of the process. Grows for days: a leak.'],
    ['process_cpu_seconds_total', 'short', 'CPU of the process; near 1 it can do no more.'],
  ] as const
).map(([title, unit, description]) => {
  const series = `${title}${SELECT}`;
  const expr = title.endsWith('_total') ? `rate(${series}[$__rate_interval])` : series;
  return { title, description, unit, queries: [{ expr, legendFormat: '{{instance}}' }] };
});

const ROWS: readonly Row[] = [
  {
    ...{ title: 'At a glance', shape: 'stat', width: 4, height: 4 },
    panels: GLANCE.flatMap((name) => {
      const metric = METRICS.get(name);
      return metric ? [panelOf(name, metric)] : [];
    }),
  },
  ...SECTIONS.map(({ title, metrics }) => ({
    ...{ title, ...CHARTS, panels: Object.entries(metrics).map(([name, metric]) => panelOf(name, metric)) },
  })),
  { title: 'Node', ...CHARTS, panels: PROCESS },
];

function drawn({ title, description, unit, queries }: Panel, shape: Row['shape']): Record<string, unknown> {
  const legend = { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } };
  return {
    ...{ type: shape, title, description, datasource: SOURCE },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: shape === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : legend,
    targets: queries.map((query, n) => ({ refId: String.fromCharCode(65 + n), datasource: SOURCE, ...query })),
  };
}

export function dashboard(): string {
  const panels: Record<string, unknown>[] = [];
  let y = 0;
  for (const { title, shape, width, height, panels: inside } of ROWS) {
    panels.push({ type: 'row', title, collapsed: false, gridPos: { h: 1, w: COLUMNS, x: 0, y }, panels: [] });
    y++;
    const perLine = COLUMNS / width;
    for (const [i, panel] of inside.entries()) {
      const gridPos = { h: height, w: width, x: (i % perLine) * width, y: y + Math.floor(i / perLine) * height };
      panels.push({ ...drawn(panel, shape), gridPos });
    }
    y += Math.ceil(inside.length / perLine) * height;
  }
  const numbered = panels.map((panel, i) => ({ id: i + 1, ...panel }));
  return `${JSON.stringify({ ...FRAME, panels: numbered }, undefined, 2)}\n`;
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
