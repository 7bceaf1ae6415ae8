/** What is counted, for Prometheus: everything that the catalogue has, and nothing else. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Counters } from '../routing/ports.ts';
import { METRICS, publicName } from './metrics/catalogue.ts';
import type { Metric } from './metrics/metric.ts';

type Labels = Readonly<Record<string, string>>;
/** Of a gauge: its value now, or one for each value of its label. */
export type Values = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

export interface Metrics extends Counters {
  /** `read` is asked at each `render`: the gauges' values. One that fails leaves those of before. */
  gauges(read: () => Promise<Values>): void;
  /** The text that Prometheus reads, and its content type. */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

export interface MetricsOptions {
  /** Which program this is. */
  readonly build?: { readonly version: string; readonly node: string };
  /** With those of the process: memory, CPU, garbage collection, the loop's delay. */
  readonly ofProcess?: boolean;
}

/** How finely the loop's delay is looked at. */
const LOOP_MS = 20;

export function createMetrics({ build, ofProcess = false }: MetricsOptions = {}): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const made = new Map<string, Counter | Gauge | Histogram>();
  for (const [name, metric] of METRICS) made.set(name, make(name, metric, registers));
  const one = <T>(name: string, kind: new (...args: never[]) => T): T | undefined => {
    const found = made.get(name);
    return found instanceof kind ? found : undefined;
  };
  if (build) one('build_info', Gauge)?.set({ ...build }, 1);
  if (ofProcess) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_MS });
  let readGauges: () => Promise<Values> = async () => ({});
  return {
    gauges(read) {
      readGauges = read;
    },
    count: (name, labels = {}) => one(name, Counter)?.inc(known(name, labels)),
    observe: (name, value, labels = {}) => one(name, Histogram)?.observe(known(name, labels), value),
    async render() {
      for (const [name, value] of Object.entries(await readGauges().catch((): Values => ({})))) {
        const gauge = one(name, Gauge);
        if (typeof value === 'number') gauge?.set(value);
        else for (const [label, part] of Object.entries(value)) gauge?.set(known(name, { [labelOf(name)]: label }), part);
      }
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}

function make(name: string, { kind, help, labels, buckets }: Metric, registers: Registry[]): Counter | Gauge | Histogram {
  const options = { name: publicName(name), help, labelNames: Object.keys(labels), registers };
  if (kind === 'counter') return new Counter(options);
  return kind === 'gauge' ? new Gauge(options) : new Histogram({ ...options, buckets: [...(buckets ?? [])] });
}

const labelOf = (name: string): string => Object.keys(METRICS.get(name)?.labels ?? {})[0] ?? '';

/** The labels that the catalogue has, with values that it has: a word from outside becomes `other`. */
function known(name: string, given: Labels): Labels {
  const labels: Record<string, string> = {};
  for (const [label, values] of Object.entries(METRICS.get(name)?.labels ?? {})) {
    const value = given[label] ?? '';
    labels[label] = values.includes(value) ? value : 'other';
  }
  return labels;
}
