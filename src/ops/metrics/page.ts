/** docs/METRICS.md, from the catalogue. */
import { TYPES } from './calls.ts';
import { publicName, SECTIONS } from './catalogue.ts';
import { CODES, type Metric } from './metric.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Sets that another page lists. */
const SETS = [
  ['codes of ERRORS.md', CODES],
  ['types of PROTOCOL.md section 4', TYPES],
] as const;

function valuesOf(values: readonly string[]): string {
  const sets = SETS.filter(([, set]) => set.every((one) => values.includes(one)));
  const named = values.filter((value) => !sets.some(([, set]) => set.includes(value)));
  return [...named.map((value) => `\`${value}\``), ...sets.map(([name]) => name)].join(', ');
}

const labelsOf = ({ labels }: Metric): string =>
  Object.entries(labels)
    .map(([label, values]) => `\`${label}\`${values.length > 0 ? `: ${valuesOf(values)}` : ''}`)
    .join('<br>');

function unitOf(name: string, { kind }: Metric): string {
  const unit = /_(seconds|bytes)$/.exec(name)?.[1];
  return unit === undefined ? kind : `${kind}, ${unit}`;
}

export function metricsPage(): string {
  const sections = SECTIONS.map(({ title, metrics }) => {
    const rows = Object.entries(metrics).map(
      ([name, metric]) =>
        `| \`${publicName(name)}\` | ${unitOf(name, metric)} | ${cell(labelsOf(metric))} | ${cell(metric.help)} | ${cell(metric.why)} |`,
    );
    return `## ${title}\n\n| metric | kind | labels | what it says | when to look at it |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Metrics

What \`/metrics\` of the bridge shows to Prometheus. Labels are closed sets of types, codes and the like, never members, devices or servers; a
value that is none of them counts as \`other\`, \`bug\` is what has no code. Beside these are the usual metrics of a process in Node
(\`process_…\`, \`nodejs_…\`): memory, CPU, open files, garbage collection, and \`nodejs_eventloop_lag_…_seconds\`, how long the loop stood.
\`deploy/grafana/volly.json\` is a dashboard of them, \`deploy/prometheus/alerts.yaml\` has rules that wake somebody. Generated from
\`src/ops/metrics/\`.

${sections.join('\n')}`;
}
