/** The outside of refused content: who, to whom, which kind, how long. It was written by others, and may be anything. */

export interface Outside {
  readonly type?: string;
  readonly id?: string;
  readonly from?: string;
  readonly to?: string;
  readonly expires?: number;
  readonly fields: string[];
}

/** What may stand in a terminal or a room: nothing that moves a cursor or makes a link. */
const PLAIN = /^[\w.@/:=[\]-]{1,350}$/;
const FIELDS = 20;
const text = (value: unknown): string | undefined => (typeof value === 'string' && PLAIN.test(value) ? value : undefined);

export function outsideOf(content: string): Outside {
  const value = objectOf(content);
  const [type, id, from, to] = [value['type'], value['id'], value['from'], value['to']].map(text);
  const expires = value['expires'];
  return {
    ...(type === undefined ? {} : { type }),
    ...(id === undefined ? {} : { id }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(typeof expires === 'number' && Number.isSafeInteger(expires) && Math.abs(expires) <= 8.64e15 ? { expires } : {}),
    fields: Object.keys(value)
      .filter((name) => text(name) !== undefined)
      .slice(0, FIELDS),
  };
}

/** Content is cut where it was too long: then it is no JSON any more. */
function objectOf(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
