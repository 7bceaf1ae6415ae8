/** What the bot writes: a notice, which no program answers and no phone rings for. */
import { LIMITS } from '../../limits.ts';

/** The content of an `m.room.message`. Of a text that is too long the lines that fit, and how many did not. */
export function noticeOf(text: string): string {
  const body = shortened(text);
  const html = body.includes('\n') ? `<pre><code>${escapeHtml(body)}\n</code></pre>` : escapeHtml(body);
  return JSON.stringify({
    msgtype: 'm.notice',
    body,
    format: 'org.matrix.custom.html',
    formatted_body: html,
    'm.mentions': {}, // whatever names an answer holds, it calls nobody
  });
}

const MORE_BYTES = 64;

function shortened(text: string): string {
  const lines = text.split('\n');
  let room = LIMITS.adminAnswerBytes - MORE_BYTES;
  const shown = lines.findIndex((line) => {
    room -= sizeOf(line);
    return room < 0;
  });
  if (shown < 0) return text;
  const more = `… and ${lines.length - shown} more; the command line shows all`;
  return [...lines.slice(0, shown), more].join('\n');
}

/** Both ways it is written, as JSON. */
const sizeOf = (line: string): number =>
  Buffer.byteLength(JSON.stringify(line)) + Buffer.byteLength(JSON.stringify(escapeHtml(line)));

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
