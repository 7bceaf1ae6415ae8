/** To-device events of an answer of /sync, in another order or more than once. Answers without any stay as they came, byte for byte. */

interface SyncBody {
  to_device?: { events?: unknown[] };
}

/** Of two events about one comes again, at any place. */
export const duplicated = (body: Buffer, random: () => number): Buffer =>
  withEvents(body, (events) => {
    const more = [...events];
    for (const event of events) if (random() < 0.5) more.splice(Math.floor(random() * (more.length + 1)), 0, event);
    return more;
  });

/** Every order is as likely (Fisher–Yates). */
export const reordered = (body: Buffer, random: () => number): Buffer =>
  withEvents(body, (events) => {
    const order = [...events];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  });

function withEvents(body: Buffer, change: (events: unknown[]) => unknown[]): Buffer {
  if (!body.includes('"to_device"')) return body;
  const answer = JSON.parse(body.toString()) as SyncBody;
  const events = answer.to_device?.events;
  if (!events) return body;
  return Buffer.from(JSON.stringify({ ...answer, to_device: { ...answer.to_device, events: change(events) } }));
}
