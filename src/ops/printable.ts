/** What others wrote, as it may stand in a terminal. */

/** What moves a cursor, changes colours, turns the reading direction, or cannot be seen. */
const STRANGE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line, of at most so many characters. */
export function printable(text: string, most: number): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replaceAll(STRANGE, '\ufffd');
}
