/**
 * Changes of one line that each break a promise of the reliable layer. `mutants.ts` shows that the model finds every one; the rules of a
 * record are those of test/mutations/mutations.ts.
 */
export interface Change {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What goes wrong. */
  readonly why: string;
}

const inRouting = (name: string, find: string, replace: string, why: string): Change => ({
  file: `src/routing/${name}.ts`,
  find,
  replace,
  why,
});
const inReceiver = (find: string, replace: string, why: string): Change => ({
  file: 'src/matrix/receiver.ts',
  find,
  replace,
  why,
});

export const CHANGES: readonly Change[] = [
  {
    file: 'src/storage/memory/inbox.ts',
    find: "if (seen.has(key)) return 'duplicate';",
    replace: '',
    why: 'no dedupe: a repeat is a new envelope',
  },
  inRouting('inbox', "if (result === 'duplicate') return result;", '', 'a repeat is brought to the app again'),
  inRouting('inbox', '.filter((row) => row.expires > now)', '', 'a phone that comes back is brought what is past its end'),
  inRouting(
    'inbox',
    'this.#untouched.delete(keyOf(serverOfAddress(envelope.from), envelope.id));',
    '',
    'what a device was handed is said to be undeliverable',
  ),
  inRouting('lives', "if (left <= 0) throw new VollyError('expired', envelope.type);", '', 'what comes late is taken'),
  inReceiver('await entry;', '', 'the position moves on before the answer is journaled'),
  inReceiver('    this.#since = undefined;', '', 'a position outlives an outage, and then lies in the future'),
  inReceiver('of pending) {', 'of pending.slice(0, 0)) {', 'the journal is not read at the start'),
  inRouting(
    'router',
    'await arrivals.take(envelope, origin, lives.deadline(envelope));',
    'arrivals.take(envelope, origin, lives.deadline(envelope)).catch(() => {});',
    'an ack leaves before the commit',
  ),
  inRouting(
    'sweeper',
    'const rows = await store.expired(lives.now(), ROWS);',
    'const rows = await store.expired(lives.now(), ROWS); await store.remove(rows);',
    'removed from the inbox before the sender is told',
  ),
  inRouting('sweeper', "told[i]!.status === 'fulfilled'", 'told[i]', 'removed although telling failed'),
  inRouting(
    'outbox',
    '      await tell();',
    '      await this.#options.store.remove([id]); await tell();',
    'removed from the outbox before told',
  ),
  inRouting('outbox', '(await store.all())', '(await store.all()).slice(0, 0)', 'the outbox is not resumed at the start'),
  inRouting('outbox', 'acked: true, left: true', 'acked: true, left: false', 'after a start, what was sent counts as never sent'),
  inRouting('outbox', "if (result !== 'accepted') this.#load.remove(row);", '', 'what the disk refused takes up memory for ever'),
  inRouting(
    'requests',
    'entry.left ||= !neverLeft(error);',
    'entry.left ||= false;',
    'a request without an answer counts as never sent',
  ),
  inRouting(
    'arrivals',
    'if (await inbox.seen(origin, envelope.id)) return;',
    'if (await inbox.seen(origin, envelope.id)) return; await inbox.remember(origin, envelope.id, deadline);',
    'remembered as answered before the sender is told',
  ),
  inRouting('ends', 'await outbox.enqueue(end, deadline);', '(outbox as any).sendOnce(end, deadline);', 'an end is sent once'),
  inRouting(
    'outbox',
    ".catch(() => counters.count('end_failed'))",
    '',
    'a database that fails while a sender is told ends the process',
  ),
  inRouting('outbox', 'this.#ending.delete(id);', '', 'telling that failed is not tried again'),
  inRouting('peer-queue', 'entry.sending = false;', '', 'what was sent once is never sent again'),
];
