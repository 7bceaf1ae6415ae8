/** One person calls another, who accepts; a data channel opens between two real peer connections. */
import type { RTCDataChannel, RTCPeerConnection } from 'werift';
import type { Call } from '../../src/client/call.ts';
import type { Incoming } from '../../src/client/incoming.ts';
import { asLike, connected, type Person, peerConnection, within } from '../support/people.ts';

export interface Conversation {
  readonly calling: Call;
  readonly taken: Call;
  /** The caller's, and the callee's. */
  readonly pcs: readonly [RTCPeerConnection, RTCPeerConnection];
  /** Sends it to the other side, which sends it back; resolves with what came back. */
  echo(text: string): Promise<string>;
}

/** To be asked for before the call is made, or it may be missed. */
export const rings = async ({ client }: Person): Promise<Incoming> =>
  (await within(`${client.address} rings`, client.once('incoming')))[0];

export interface Calling {
  readonly call: Call;
  readonly pc: RTCPeerConnection;
  readonly channel: RTCDataChannel;
}

/** The caller's half: offers are out, nobody has answered. */
export async function callWithChannel({ client }: Person, address: string, pc = peerConnection()): Promise<Calling> {
  const channel = pc.createDataChannel('talk');
  const call = await within(`${client.address} calls ${address}`, client.call(address, { pc: asLike(pc) }));
  return { call, pc, channel };
}

/** The callee's half, and both until messages pass. */
export async function acceptAndConnect({ call, pc, channel }: Calling, incoming: Incoming): Promise<Conversation> {
  const theirs = peerConnection();
  const back = new Set<(text: string) => void>();
  channel.onMessage.subscribe((message) => {
    for (const resolve of back) resolve(message.toString());
    back.clear();
  });
  theirs.onDataChannel.subscribe((other) => other.onMessage.subscribe((message) => other.send(message)));
  const opened = new Promise<void>((resolve) => channel.addEventListener('open', () => resolve()));
  const taken = await within('the call is accepted', incoming.accept({ pc: asLike(theirs) }));
  await Promise.all([connected(call), connected(taken), within('the channel opens', opened)]);
  const echo = (text: string) => {
    const heard = new Promise<string>((resolve) => back.add(resolve));
    channel.send(text);
    return within('the message comes back', heard);
  };
  return { calling: call, taken, pcs: [pc, theirs], echo };
}

export async function converse(from: Person, to: Person): Promise<Conversation> {
  const incoming = rings(to);
  const calling = await callWithChannel(from, to.client.member);
  return acceptAndConnect(calling, await incoming);
}

/** `side` hangs up; both ends are returned, the caller's first. */
export async function hangUp({ calling, taken }: Conversation, side: 'caller' | 'callee'): Promise<readonly unknown[]> {
  const ends = Promise.all([calling.whenEnded(), taken.whenEnded()]);
  await (side === 'caller' ? calling : taken).hangUp();
  return within('the call ends', ends);
}
