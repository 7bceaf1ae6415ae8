/**
 * What is counted, for Prometheus: routed, refused with which code, ended how; and, as gauges, how full everything is. Labels are types, codes and the like, never a member or a
 * server, so a peer cannot make them grow.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Counters } from '../routing/ports.ts';

export interface Metrics extends Counters {
  /** `read` is asked at each `render`: name → value now. One that fails leaves the values of before. */
  gauges(read: () => Promise<Readonly<Record<string, number>>>): void;
  /** The text that Prometheus reads, and its content type. */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  let readGauges: () => Promise<Readonly<Record<string, number>>> = async () => ({});
  const setGauge = (name: string, value: number): void => {
    let gauge = gauges.get(name);
    if (!gauge) {
      gauge = new Gauge({ name: `volly_${name}`, help: `Now: ${name.replaceAll('_', ' ')}.`, registers: [registry] });
      gauges.set(name, gauge);
    }
    gauge.set(value);
  };
  return {
    gauges(read) {
      readGauges = read;
    },
    count(name, labels = {}) {
      let counter = counters.get(name);
      if (!counter) {
        const help = `How often: ${name.replaceAll('_', ' ')}.`;
        counter = new Counter({ name: `volly_${name}_total`, help, labelNames: Object.keys(labels), registers: [registry] });
        counters.set(name, counter);
      }
      counter.inc(labels);
    },
    async render() {
      for (const [name, value] of Object.entries(await readGauges().catch(() => ({})))) setGauge(name, value);
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}
