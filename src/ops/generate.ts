/** As src/config/generate.ts, for what is made from this room: `node src/ops/generate.ts [--check]`. */
import { generate } from '../config/generate.ts';
import { openApi } from './admin/openapi.ts';
import { doctorPage } from './doctor/reference.ts';
import { alertRules } from './metrics/alerts.ts';
import { dashboard } from './metrics/dashboard.ts';
import { metricsPage } from './metrics/page.ts';

export const generated = (): Readonly<Record<string, string>> => ({
  'docs/DOCTOR.md': doctorPage(),
  'docs/admin.openapi.json': openApi(),
  'docs/METRICS.md': metricsPage(),
  'deploy/grafana/volly.json': dashboard(),
  'deploy/prometheus/alerts.yaml': alertRules(),
});

if (import.meta.main) generate(generated());
