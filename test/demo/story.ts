/** How the demo speaks: chapters, what members see, and the way of every envelope, in columns. Colours only on a terminal. */
import type { Hop } from './way.ts';

const colours = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const red = paint(31);
const green = paint(32);
const cyan = paint(36);

const started = performance.now();
const since = (): string => `${((performance.now() - started) / 1000).toFixed(2)} s`.padStart(8);

/** Server name → the community's name in the story. */
const names = new Map<string, string>();
export const introduce = (server: string, name: string): unknown => names.set(server, name);

/** `alice@localhost:8448` → `alice@Orchid` */
export function called(address: string): string {
  for (const [server, name] of names) if (address.endsWith(server)) return address.slice(0, -server.length) + name;
  return address;
}

export const chapter = (title: string): void => console.log(`\n${bold(title)}`);
export const tell = (text: string): void => console.log(`${dim(since())}  ${text}`);
/** What a person sees or does. */
export const person = (who: string, text: string): void => tell(`${cyan(who)} ${text}`);
export const good = (text: string): void => tell(`${green('✔')} ${text}`);
export const wrong = (text: string): void => tell(`${red('✘')} ${text}`);

const ms = (value: number): string => `${value.toFixed(0).padStart(4)} ms`;
const ORDINARY = /^app\.volly\.(ack|hello)$/;

export function hop({ type, from, to, bytes, sent, received }: Hop): void {
  const line = [
    type.padEnd(29),
    `${called(from).padStart(14)} → ${called(to).padEnd(14)}`,
    `${bytes.toLocaleString('en').padStart(7)} B`,
    `${ms(sent)} to federation, ${ms(received)} to the other bridge`,
  ].join('  ');
  console.log(`${dim(since())}  ${ORDINARY.test(type) ? dim(`· ${line}`) : `▸ ${line}`}`);
}

export const elapsed = (): number => (performance.now() - started) / 1000;
