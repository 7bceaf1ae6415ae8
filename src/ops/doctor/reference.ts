/** docs/DOCTOR.md: everything that the doctor looks at, and everything that it can say. */
import { CHECKS } from './catalogue.ts';
import { TROUBLES } from './troubles.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function doctorPage(): string {
  const checks = Object.entries(CHECKS).map(([name, { title, tries }]) => `| \`${name}\` | ${title} | ${cell(tries)} |`);
  const troubles = Object.entries(TROUBLES).map(([code, { cause, cure }]) => `| \`${code}\` | ${cell(cause)} | ${cell(cure)} |`);
  return `# What the doctor looks at

\`volly-bridge doctor\`, in the order in which it tells. Names and codes are those of \`--json\` and are stable. Generated from
\`src/ops/doctor/catalogue.ts\` and \`troubles.ts\`; how to use it is in docs/OPERATIONS.md.

| check | title | what is tried |
|---|---|---|
${checks.join('\n')}

## What it can say

| code | cause | cure |
|---|---|---|
${troubles.join('\n')}
`;
}
