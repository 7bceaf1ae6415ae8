/** Reference pages from the code that they describe: docs/ERRORS.md and docs/LIMITS.md. */
import { ERRORS } from '../errors.ts';
import { LIMITS } from '../limits.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, entry]) => {
    const { cause, cure, close, certain } = { close: undefined, certain: true, ...entry };
    return `| \`${code}\` | ${cell(cause)} | ${cell(cure)} | ${close ?? ''} | ${certain ? 'yes' : 'no'} |`;
  });
  return `# Errors

Every way this software says no. Codes are stable and never reused. *Close* is the WebSocket close code where a gateway ends a
connection for it. *Certain* says whether the refused thing surely did not happen. Generated from \`src/errors.ts\`.

| code | cause | cure | close | certain |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** \`source\` is the text of src/limits.ts: groups are its \`//\` lines, reasons its doc comments. */
export function limitsPage(source: string): string {
  const out: string[] = [];
  let reason = '';
  for (const [, group, doc, name] of source.matchAll(/^ {2}\/\/ (.*)$|^ {2}\/\*\*([\s\S]*?)\*\/$|^ {2}(\w+):/gm)) {
    if (group !== undefined) out.push(`\n## ${group}\n\n| limit | value | why |\n|---|---|---|`);
    if (doc !== undefined) reason = doc.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim();
    if (name === undefined) continue;
    out.push(`| \`${name}\` | ${shown(name)} | ${cell(reason)} |`);
    reason = '';
  }
  return `# Limits

Every cap and its reason. Sizes in bytes, times in milliseconds unless the name says otherwise. Generated from \`src/limits.ts\`.
${out.join('\n')}
`;
}

function shown(name: string): string {
  const value: unknown = LIMITS[name as keyof typeof LIMITS];
  if (typeof value !== 'number') throw new Error(`src/limits.ts: ${name} is not a number`);
  return value.toLocaleString('en');
}
