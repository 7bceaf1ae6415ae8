import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { drifted } from '../../src/config/generate.ts';
import { parseServerName } from '../../src/ids.ts';
import { gaugesOf } from '../../src/ops/gauges.ts';
import { generated } from '../../src/ops/generate.ts';
import { RULES } from '../../src/ops/metrics/alerts.ts';
import { TYPES } from '../../src/ops/metrics/calls.ts';
import { METRICS, publicName, SECTIONS } from '../../src/ops/metrics/catalogue.ts';
import { dashboard } from '../../src/ops/metrics/dashboard.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import type { Status } from '../../src/ops/status.ts';
import { ENVELOPES } from '../../src/protocol/envelope.ts';

const src = new URL('../../src/', import.meta.url).pathname;
const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('ops/metrics/'))
  .map((file) => readFileSync(join(src, file), 'utf8'))
  .join('\n');
/** Of a rule or panel: the names in it that are of metrics. */
const namesIn = (expr: string): string[] => expr.match(/\b(volly|process|nodejs)_\w+/g) ?? [];

interface DashboardPanel {
  readonly type: string;
  readonly id: number;
  readonly gridPos: { readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const STATUS: Status = {
  ...{ version: '1.2.3', server: 'orchid.example', uptimeMs: 1 },
  homeserver: {
    ...{ url: 'http://127.0.0.1:8008', software: 'Synapse/1.163.2', way: 'as_token', proven: true, named: true },
    ...{ callsBack: 'yes', ready: true, lagMs: 21, lastSyncAgeMs: 2_500 },
  },
  counts: {
    ...{ gateway_sockets: 6, devices_online: 5, journal: 1, quarantine: 4 },
    ...{ outbox: 3, inbox: 2, seen: 9, acks: 1, peers: 2, outbox_bytes: 4_200 },
  },
  peers: [
    { server: parseServerName('iris.example'), state: 'unreachable', waiting: 3, bytes: 4_200, oldestMs: 8_000 },
    { server: parseServerName('maple.example'), state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 },
  ],
};

describe('metrics', () => {
  it('has what the code counts in its catalogue, and the code counts what the catalogue has', () => {
    for (const [kind, call] of [
      ['counter', 'count'],
      ['histogram', 'observe'],
    ] as const) {
      const used = [...code.matchAll(new RegExp(`[cC]ounters\\??\\.${call}\\(\\s*'(\\w+)'`, 'g'))].map(
        ([, name]) => name as string,
      );
      // A name that is no literal would not be found.
      assert.equal(code.match(new RegExp(`[cC]ounters\\??\\.${call}\\(`, 'g'))?.length, used.length, call);
      const known = [...METRICS].filter(([, metric]) => metric.kind === kind).map(([name]) => name);
      assert.deepEqual([...new Set(used)].sort(), known.sort());
    }
  });

  it('names them as Prometheus wants: base units, no unit but at the end', () => {
    for (const [name, { kind }] of METRICS) {
      assert.match(publicName(name), kind === 'counter' ? /^volly_[a-z_]+_total$/ : /^volly_[a-z_]+$/);
      assert.doesNotMatch(name, /_(ms|millis|kb|percent|total|count|sum|bucket)(_|$)/);
      if (kind === 'histogram') assert.match(name, /_seconds$/);
    }
    assert.equal(
      METRICS.size,
      SECTIONS.reduce((sum, { metrics }) => sum + Object.keys(metrics).length, 0),
      'no name twice',
    );
  });

  it('has labels of closed sets, which cover what there is', async () => {
    assert.deepEqual([...TYPES].sort(), Object.keys(ENVELOPES).sort());
    const metrics = createMetrics();
    metrics.count('refused', { type: 'app.volly.call.offer', from: 'device', code: 'from outside' });
    metrics.count('refused', { type: 'app.volly.call.offer', from: 'alice@orchid.example' });
    metrics.count('refused', { code: 'expired', server: 'maple.example' });
    metrics.count('no such name', { code: 'expired' });
    metrics.observe('no such name', 1);
    metrics.observe('ack_seconds', 0.25, { carrier: 'to_device', peer: 'maple.example' });
    const { text } = await metrics.render();
    assert.match(text, /^volly_refused_total\{type="app\.volly\.call\.offer",from="device",code="other"\} 1$/m);
    assert.match(text, /^volly_refused_total\{type="app\.volly\.call\.offer",from="other",code="other"\} 1$/m);
    assert.match(text, /^volly_ack_seconds_bucket\{le="0\.3",carrier="to_device"\} 1$/m);
    assert.doesNotMatch(text, /example|no such/);
  });

  it('shows what was never counted as 0, so that a rule can see its first time', async () => {
    const { text } = await createMetrics().render();
    for (const name of ['send_failed', 'end_failed', 'echo_lost', 'database_commits_failed'])
      assert.ok(text.includes(`\n${publicName(name)} 0\n`), name);
  });

  it('gives the numbers of a status as gauges, none of a peer or member, and those of before where they cannot be read', async () => {
    const metrics = createMetrics({ build: { version: '1.2.3', node: 'v24' } });
    let fails = false;
    metrics.gauges(async () => (fails ? Promise.reject(new Error('no')) : gaugesOf(STATUS)));
    for (fails of [false, true]) {
      const { text } = await metrics.render();
      for (const gauge of [
        ...[
          'homeserver_lag_seconds 0.021',
          'homeserver_last_answer_age_seconds 2.5',
          'homeserver_calls_back 1',
          'gateway_sockets 6',
        ],
        ...['outbox_envelopes 3', 'outbox_bytes 4200', 'outbox_oldest_seconds 8', 'peers{state="ok"} 1', 'ids_remembered 9'],
        ...['peers{state="unreachable"} 1', 'peers{state="silent"} 0', 'build_info{version="1.2.3",node="v24"} 1'],
      ])
        assert.ok(text.includes(`\nvolly_${gauge}\n`), gauge);
      assert.doesNotMatch(text, /example/);
    }
  });

  it('has every gauge of the catalogue, and says so where a number is not known', async () => {
    const { lagMs: _, lastSyncAgeMs: __, ...homeserver } = STATUS.homeserver;
    const gauges = gaugesOf({ ...STATUS, homeserver: { ...homeserver, callsBack: 'unknown' } });
    for (const name of ['homeserver_lag_seconds', 'homeserver_last_answer_age_seconds', 'homeserver_calls_back'])
      assert.ok(Number.isNaN(gauges[name]), name);
    const operator = readFileSync(join(src, 'compose/operator.ts'), 'utf8');
    const set = (name: string): boolean =>
      name in gauges || name === 'build_info' || new RegExp(`^ +${name}:`, 'm').test(operator);
    const wanted = [...METRICS].filter(([, { kind }]) => kind === 'gauge').map(([name]) => name);
    assert.deepEqual(
      wanted.filter((name) => !set(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(gauges).filter((name) => METRICS.get(name)?.kind !== 'gauge'),
      [],
    );
  });

  it('has page, dashboard and alert rules as the catalogue makes them (npm run generate)', () => {
    assert.deepEqual(drifted(generated()), []);
  });

  it('has a panel for each metric and none for another', () => {
    const { panels } = JSON.parse(dashboard()) as { panels: DashboardPanel[] };
    const bases = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr)));
    const shown = new Set(bases.map((name) => name.replace(/_bucket$/, '')));
    const wanted = [...METRICS.keys()].map(publicName);
    const node = ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes', 'process_cpu_seconds_total'];
    assert.deepEqual([...shown].sort(), [...wanted, ...node].sort());
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    assert.equal(new Set(places).size, places.length, 'none on top of another');
    assert.equal(panels.filter(({ type }) => type === 'stat').length, 6, 'what is looked at first is there');
  });

  it('has the process’s metrics by the names that the dashboard has for them', async () => {
    const { text } = await createMetrics({ ofProcess: true }).render();
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes', 'process_cpu_seconds_total'])
      assert.match(text, new RegExp(`^${name} `, 'm'));
  });

  it('alerts on metrics of the catalogue, with labels that they have, and says what to do', () => {
    const { groups } = parse(generated()['deploy/prometheus/alerts.yaml']!);
    assert.equal(groups[0].rules.length, RULES.length);
    for (const { alert, expr, cure } of RULES) {
      const names = namesIn(expr);
      assert.ok(names.length > 0, alert);
      const known = new Map([...METRICS].map(([name, metric]) => [publicName(name), metric]));
      for (const name of names) assert.ok(known.has(name), `${alert}: ${name}`);
      for (const [, name, label, value] of expr.matchAll(/(volly_\w+)\{(\w+)="(\w+)"\}/g))
        assert.ok(known.get(name!)?.labels[label!]?.includes(value!), `${alert}: ${label} ${value}`);
      assert.ok(cure.length > 10);
    }
  });
});
