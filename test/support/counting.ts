/** Counters for tests: what is counted must stand in the catalogue with its labels, or the test that counts it fails. */
import { METRICS } from '../../src/ops/metrics/catalogue.ts';
import type { Counters } from '../../src/routing/ports.ts';

type Labels = Readonly<Record<string, string>>;
export type Counted = (name: string, labels: Labels) => void;

/** In a task of its own, where nothing that is under test catches it. */
function refuse(what: string): void {
  const error = new Error(`src/ops/metrics does not have ${what}`);
  setImmediate(() => {
    throw error;
  });
}

/** But for the names of carriers: tests have their own. */
export function mustBeKnown(kind: 'counter' | 'histogram', name: string, labels: Labels): void {
  const metric = METRICS.get(name);
  if (metric?.kind !== kind) {
    refuse(`a ${kind} ${name}`);
    return;
  }
  const [given, wanted] = [Object.keys(labels).sort().join(), Object.keys(metric.labels).sort().join()];
  if (given !== wanted) refuse(`${name} with the labels ${given}`);
  for (const [label, value] of Object.entries(labels))
    if (label !== 'carrier' && metric.labels[label]?.includes(value) === false) refuse(`${name} with ${label} ${value}`);
}

export const counting = (counted: Counted = () => {}): Counters => ({
  count(name, labels = {}) {
    mustBeKnown('counter', name, labels);
    counted(name, labels);
  },
  observe: (name, _value, labels = {}) => mustBeKnown('histogram', name, labels),
});
