/** One handshake from its first message to its last, PROTOCOL.md section 14.1 to 14.4. */
import { type Bytes, equal } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, deviceOf, localpartOf, memberOf } from '../ids.ts';
import { encodeHandshake, SESSION_BYTES } from '../protocol/handshake.ts';
import {
  answerFull,
  answerResumed,
  type ClientHello,
  readClientHello,
  readProof,
  type ServerHello,
} from '../protocol/handshake-server.ts';
import { RecordReceiver, RecordSender } from '../protocol/records.ts';
import { type Admitted, authenticate, type Gatekeeper } from './authenticate.ts';
import type { GatewayOptions } from './options.ts';
import { holds } from './roster.ts';
import type { Resumable, Tickets } from './tickets.ts';

export interface Host extends Gatekeeper, Pick<GatewayOptions, 'random'> {
  readonly tickets: Tickets;
}

/** The messages of one socket, one at a time. */
export interface Exchange {
  /** The client's next message. Rejects when the time is up or the socket gone. */
  next(): Promise<Uint8Array>;
  send(message: Bytes): void;
  /** Set once there are keys: what an error is sealed with. */
  sender?: RecordSender;
}

export interface Welcomed {
  readonly device: DeviceAddress;
  readonly resumed: boolean;
  readonly sender: RecordSender;
  readonly receiver: RecordReceiver;
  /** The sealed `[4, …]`, still to be sent: whoever sends it must be ready for the frames it sets free. */
  readonly finished: Bytes;
}

/** Rejects with a VollyError; what the client may know of it is `refusal`'s business. */
export async function welcome(host: Host, exchange: Exchange): Promise<Welcomed> {
  const { provider, clock } = host;
  const hello = readClientHello(await exchange.next());
  const fullAt = clock.now();
  const earlier = await redeem(host, hello);
  const answer = await answerHello(host, hello, earlier);
  const now = clock.monotonic();
  const sender = new RecordSender(provider, answer.keys.server, now);
  const receiver = new RecordReceiver(provider, answer.keys.client);
  exchange.send(answer.message);
  exchange.sender = sender;
  const proof = readProof(openFirst(receiver, await exchange.next()), answer.resumed);
  const admitted: Admitted = proof ? await authenticate(host, answer, proof) : (earlier as Resumable);
  const session = { ...admitted, fullAt: earlier && !proof ? earlier.fullAt : fullAt };
  const finished = await finish(host, session, answer);
  for (const secret of Object.values(answer.keys)) secret.fill(0);
  return { device: admitted.device, resumed: answer.resumed, sender, receiver, finished: sender.seal(finished) };
}

function openFirst(receiver: RecordReceiver, record: Uint8Array): Bytes {
  try {
    return receiver.open(record);
  } catch (cause) {
    throw new VollyError('handshake_failed', 'client proof', { cause });
  }
}

/** What a ticket stands for, if its device is still the member's; else the handshake is a full one. The ticket is spent either way. */
async function redeem({ tickets, roster, clock }: Host, { ticket }: ClientHello): Promise<Resumable | undefined> {
  const found = ticket && (await tickets.redeem(ticket));
  const newest = found && (await roster.newest(localpartOf(memberOf(found.device))));
  return newest && holds(newest, deviceOf(found.device), found.dikHash, clock.now()) ? found : undefined;
}

function answerHello(host: Host, hello: ClientHello, earlier: Resumable | undefined): Promise<ServerHello> {
  const { provider, clock, community } = host;
  const saying = { now: clock.now(), session: host.random(SESSION_BYTES) };
  const { ticket } = hello;
  return earlier && ticket
    ? answerResumed(provider, { ...hello, ticket }, community.server, earlier.psk, saying)
    : answerFull(provider, hello, community, saying);
}

async function finish(host: Host, session: Admitted & { fullAt: number }, { keys }: ServerHello): Promise<Bytes> {
  const { roster, tickets, clock } = host;
  const { device, dikHash, knownList, fullAt } = session;
  const member = localpartOf(memberOf(device));
  const newest = await roster.newest(member);
  // A list that came between this device's proof and now may have dropped it.
  if (!newest || !holds(newest, deviceOf(device), dikHash, clock.now())) throw new VollyError('not_enrolled');
  const known = equal(newest.hash, knownList);
  const ticket = await tickets.issue({ device, dikHash, knownList: newest.hash, fullAt, psk: keys.resume });
  const prekeyHash = await roster.shelvedPrekey(member, deviceOf(device));
  await admitLast(host, device, dikHash);
  const none = new Uint8Array(0);
  return encodeHandshake({
    kind: 'finished',
    ticket,
    list: known ? none : newest.signed.bytes,
    listSignature: known ? none : newest.signed.signature,
    prekeyHash,
  });
}

/**
 * The last look before the device is in, from which on the operator's word ends a connection and not a handshake: nothing after it waits for
 * more than what has resolved. The ticket goes with the refusal, or it would outlive a member who was removed meanwhile.
 */
async function admitLast({ roster, tickets }: Host, device: DeviceAddress, dikHash: Uint8Array): Promise<void> {
  try {
    await roster.admit(device, dikHash);
    if (!(await roster.newest(localpartOf(memberOf(device))))) throw new VollyError('not_enrolled');
  } catch (error) {
    await tickets.revoke(device);
    throw error;
  }
}
