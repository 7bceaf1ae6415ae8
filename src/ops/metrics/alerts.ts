/** deploy/prometheus/alerts.yaml: what should wake somebody, and what that one may do. */
import { stringify } from 'yaml';
import { publicName as name } from './catalogue.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  /** `page`: calls do not work. `ticket`: they do, and somebody should look in the next days. */
  readonly severity: 'page' | 'ticket';
  readonly summary: string;
  readonly cure: string;
}

const rate = (metric: string, time: string): string => `sum by (job, instance) (rate(${metric}[${time}]))`;

export const RULES: readonly Rule[] = [
  {
    alert: 'VollyAway',
    expr: `absent(${name('build_info')})`,
    for: '2m',
    severity: 'page',
    summary: 'No bridge is scraped.',
    cure: 'Is the process running, and does Prometheus reach the listener?',
  },
  {
    alert: 'VollyHomeserverAway',
    expr: `${name('homeserver_ready')} == 0`,
    for: '1m',
    severity: 'page',
    summary: 'The homeserver does not answer, or brings no messages.',
    cure: 'The bridge’s log has the reason; it goes on by itself once the homeserver is back.',
  },
  {
    alert: 'VollyDatabaseFails',
    expr: `${name('database_ready')} == 0`,
    for: '1m',
    severity: 'page',
    summary: 'The database cannot be written: nothing new is accepted.',
    cure: 'Make room on the disk, or end the program that holds the database.',
  },
  {
    alert: 'VollyOutboxWaits',
    expr: `${name('outbox_oldest_seconds')} > 30`,
    for: '2m',
    severity: 'ticket',
    summary: 'Envelopes for another community wait longer than half a minute.',
    cure: '`volly-bridge status` names the communities; where it is all of them, look at federation of the own homeserver.',
  },
  {
    alert: 'VollyPeerUnreachable',
    expr: `${name('peers')}{state="unreachable"} > 0`,
    for: '15m',
    severity: 'ticket',
    summary: 'Another community cannot be reached, and something waits for it.',
    cure: '`volly-bridge status` names it. Where only this one fails, it is theirs to mend.',
  },
  {
    alert: 'VollyLag',
    expr: `${name('homeserver_lag_seconds')} > 2`,
    for: '10m',
    severity: 'ticket',
    summary: 'The homeserver takes more than 2 s to bring a message.',
    cure: 'Look at the homeserver’s load and database.',
  },
  {
    alert: 'VollyCannotBeCalledBack',
    expr: `${name('homeserver_calls_back')} == 0`,
    for: '5m',
    severity: 'ticket',
    summary: 'The homeserver does not reach the bridge: the admin room does not work.',
    cure: 'Compare `appservice.url` and the registration that the homeserver has with those of the bridge.',
  },
  {
    alert: 'VollyQuarantineGrows',
    expr: `delta(${name('quarantine_entries')}[1h]) > 20`,
    for: '0m',
    severity: 'ticket',
    summary: 'More than 20 refused contents came within an hour.',
    cure: 'See what they are and who sends them; such a community can be denied.',
  },
  {
    alert: 'VollyCallsFail',
    expr: `${rate(`${name('call_outcomes')}{outcome="undelivered"}`, '15m')} > 0.5 * ${rate(name('call_outcomes'), '15m')}`,
    for: '15m',
    severity: 'page',
    summary: 'More than half of all offers could not be delivered.',
    cure: '`volly-bridge status` and `volly_ended_total` by reason tell where they end.',
  },
  {
    alert: 'VollyDoorShut',
    expr: `${rate(`${name('gateway_refused')}{status="429"}`, '5m')} > 1`,
    for: '10m',
    severity: 'ticket',
    summary: 'Many apps are turned away for the address they come from.',
    cure: 'Behind a proxy: is it in `gateway.trusted_proxies`, and does it set X-Forwarded-For?',
  },
];

export function alertRules(): string {
  const rules = RULES.map(({ severity, summary, cure, ...rule }) => ({
    ...rule,
    labels: { severity },
    annotations: { summary, description: cure },
  }));
  return `# Alerts for Prometheus. Generated from src/ops/metrics/alerts.ts; docs/METRICS.md explains each metric.\n${stringify(
    { groups: [{ name: 'volly-bridge', rules }] },
    { lineWidth: 0 },
  )}`;
}
