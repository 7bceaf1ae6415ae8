/** Findings as lines for a terminal. */
import type { Finding } from './finding.ts';

const MARKS = { ok: '✔', warning: '!', failed: '✖', skipped: '·' } as const;
const COLUMN = 25;

export function findingLines({ result, title, found, details = [], code, cause, cure, fixed }: Finding): string {
  const lines = [`${MARKS[result]} ${title.padEnd(COLUMN)} ${found}${fixed === undefined ? '' : ` (mended: ${fixed})`}`];
  lines.push(...details.map((detail) => `    ${detail}`));
  if (code !== undefined) lines.push(`    cause: ${cause}  [${code}]`, `    cure:  ${cure}`);
  return lines.join('\n');
}

export function summary(findings: readonly Finding[]): string {
  const count = (result: Finding['result']): number => findings.filter((finding) => finding.result === result).length;
  const [failures, warnings, skipped] = [count('failed'), count('warning'), count('skipped')];
  if (failures + warnings === 0) return `All good${skipped > 0 ? `; ${skipped} not tried` : ''}.`;
  return `${failures} failed, ${warnings} to look at, ${skipped} not tried.`;
}
