/**
 * What is counted, for Prometheus: routed, refused with which code, ended how. Labels are types, codes and the like, never a member or a
 * server, so a peer cannot make them grow.
 */
import { Counter, Registry } from 'prom-client';
import type { Counters } from '../routing/ports.ts';

export interface Metrics extends Counters {
  /** The text that Prometheus reads, and its content type. */
  render(): Promise<{ readonly type: string; readonly text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  return {
    count(name, labels = {}) {
      let counter = counters.get(name);
      if (!counter) {
        const help = `How often: ${name.replaceAll('_', ' ')}.`;
        counter = new Counter({ name: `volly_${name}_total`, help, labelNames: Object.keys(labels), registers: [registry] });
        counters.set(name, counter);
      }
      counter.inc(labels);
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
