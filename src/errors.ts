/**
 * Every way this software says no, once. docs/ERRORS.md is generated from this catalogue; codes are stable and never
 * reused. `certain` = the thing did not happen (safe to tell the user and to try again); otherwise it may have happened.
 */

export interface ErrorEntry {
  /** What went wrong, for whoever reads the message. */
  readonly cause: string;
  /** What that person can do about it. */
  readonly cure: string;
  /** WebSocket close code when a gateway ends the connection for it; absent where it never does. */
  readonly close?: number;
  /** False where the refused thing may have happened all the same. */
  readonly certain?: false;
}

const catalogue = {
  // Bytes and structures
  bad_address: {
    cause: 'An address or identifier is not of its grammar.',
    cure: 'Write name@server or name@server/DEVICE in lower and upper case as docs/PROTOCOL.md section 2 says.',
    close: 4400,
  },
  bad_encoding: {
    cause: 'Bytes are not canonical CBOR, JSON or base64url of the expected shape.',
    cure: 'Update the sender; a correct sender cannot produce them.',
    close: 4400,
  },
  too_large: { cause: 'A message is larger than its limit.', cure: 'Send less; docs/LIMITS.md lists every limit.', close: 4413 },
  bad_padding: { cause: 'The padding of an opened body is not zeros, or its length does not fit.', cure: 'Update the sender.' },
  bad_sdp: {
    cause:
      'An SDP is outside the grammar that calls may carry: smuggled line breaks, candidates or addresses, a weak or second fingerprint, the wrong media count.',
    cure: 'Remove what docs/PROTOCOL.md section 8 forbids; candidates travel in messages of their own.',
  },
  bad_candidate: {
    cause: 'An ICE candidate is outside the grammar that calls may carry.',
    cure: 'Send what the browser reported, unchanged.',
  },
  // Keys and signatures
  bad_key: {
    cause: 'A public key is malformed: wrong length, out of range, or of low order.',
    cure: 'The owner must publish a fresh key; the sender of such a key may be hostile.',
  },
  bad_signature: {
    cause: 'A signature does not verify.',
    cure: 'Fetch the keys again; if it stays, the message was forged or damaged.',
  },
  open_failed: {
    cause: 'A sealed message does not open: another key, another header, or changed bytes.',
    cure: 'Fetch the keys again and send anew.',
  },
  unknown_suite: {
    cause: 'A message names a cipher suite this software does not know.',
    cure: 'Update the older of the two sides.',
  },
  downgrade: {
    cause: 'A peer once seen with a stronger suite or as end to end encrypted now offers less.',
    cure: 'Do not accept it without asking the person by another way.',
  },
  // Who and when
  wrong_recipient: {
    cause: 'A message is for another member, device, list or prekey.',
    cure: 'Fetch the bundle again and send anew.',
  },
  wrong_sender: {
    cause: 'The sender named in a message does not match its keys, its list, or the server it came from.',
    cure: 'None for the receiver: the message is forged or its sender broken.',
  },
  wrong_type: { cause: 'Envelope, header and event name different types or directions.', cure: 'Update the sender.' },
  expired: { cause: 'A message, key, list or offer is past its life.', cure: 'Check both clocks; fetch keys again; call again.' },
  clock_skew: {
    cause: 'A message is from the future, or two servers disagree on the time by more than 20 s.',
    cure: 'Synchronise the clocks (NTP).',
  },
  replayed: { cause: 'A message was seen before.', cure: 'None needed: the first one counted.' },
  not_in_list: { cause: 'A device is not in its member’s signed device list.', cure: 'Enrol the device again with one that is.' },
  stale_list: {
    cause: 'A device list is older than one already seen, or another of the same version.',
    cure: 'Publish the newest list; if it was the newest, somebody shows different lists to different people.',
  },
  identity_changed: {
    cause: 'The pinned identity key of a member is not the one now shown.',
    cure: 'Compare safety numbers with the member, then accept the new identity.',
  },
  not_end_to_end: {
    cause: 'The peer uses a legacy app: the call would be encrypted to their community server only.',
    cure: 'Allow legacy peers for this call, or ask the peer to update.',
  },
  frames_unsupported: {
    cause: 'The caller asks for media frames that are encrypted end to end, which the called app cannot do.',
    cure: 'Call without asking for it, or update the called app.',
  },
  // Calls
  forbidden_in_state: { cause: 'A message is not allowed for this role in this state of a call.', cure: 'Update the sender.' },
  unknown_call: { cause: 'No such call.', cure: 'None needed: it ended.' },
  signalling_lost: {
    cause:
      'A gap in a call’s messages stayed open, or its heartbeats stopped, while the media was down. Or a new description could not be agreed on, since such a gap, or an offer without an answer, is in the way; while media flow the call goes on without it.',
    cure: 'Call again.',
  },
  busy: { cause: 'The member is in another call.', cure: 'Call later.' },
  declined: { cause: 'The member declined.', cure: 'None.' },
  no_answer: { cause: 'The member did not answer in time.', cure: 'Call later.' },
  answered_elsewhere: { cause: 'Another device of the member answered.', cure: 'None.' },
  media_mismatch: {
    cause: 'The certificate of the media connection is not the one that was signed.',
    cure: 'End the call: somebody stands between.',
  },
  // Delivery
  unknown_member: {
    cause: 'The community has no such member, or the member has no device.',
    cure: 'Check the address with the person.',
  },
  undeliverable: {
    cause: 'The other bridge’s word that no device took the message in its life.',
    cure: 'Call later: the member’s devices are offline.',
  },
  unconfirmed: {
    cause:
      'No acknowledgement from the other community, or from the device there, before the message’s end; it may have arrived.',
    cure: 'Call again; if it stays, the two operators look at federation.',
    certain: false,
  },
  peer_unreachable: {
    cause: 'Nothing left for the other community in the message’s life: its server, or the own homeserver, does not answer.',
    cure: 'Call later; the operator looks at the homeserver and at federation.',
  },
  denied_by_policy: {
    cause: 'The operator of this bridge does not exchange messages with that server.',
    cure: 'Ask your operator.',
  },
  overloaded: { cause: 'A queue is full.', cure: 'Try again in some seconds.', close: 4429 },
  rate_limited: { cause: 'Too many messages of this sender.', cure: 'Wait and try again.', close: 4429 },
  // Gateway
  handshake_failed: {
    cause: 'A gateway handshake broke off: bad message, wrong transcript, or out of time.',
    cure: 'Connect again; if it stays, compare the community key with the invite.',
    close: 4401,
  },
  wrong_community: {
    cause: 'The gateway holds neither the community key that the app has pinned nor a successor that this key signed.',
    cure: 'Do not go on: somebody stands between, or the operator lost the key or put an old one back. Ask the operator.',
    close: 4401,
  },
  not_enrolled: {
    cause: 'The device is not enrolled with this community.',
    cure: 'Enrol with an invite, or have another device approve it.',
    close: 4403,
  },
  bad_invite: { cause: 'An invite is unknown, used, or expired.', cure: 'Ask the operator for another.', close: 4403 },
  name_held: {
    cause: 'A member of that name was removed, and nobody inherits a name.',
    cure: 'Choose another name: whoever had pinned the old member would take the new one for an impostor.',
  },
  suspended: {
    cause: 'The operator of the community has suspended the member.',
    cure: 'Ask the operator; after that connect again.',
    close: 4403,
  },
  name_taken: { cause: 'A member of that name exists.', cure: 'Choose another name.', close: 4403 },
  replaced: { cause: 'The same device connected again.', cure: 'None needed: the newer connection counts.', close: 4409 },
  server_restarted: { cause: 'The bridge restarted and with it a legacy call ended.', cure: 'Call again.' },
  shutting_down: { cause: 'The bridge is shutting down.', cure: 'The app connects again by itself.', close: 1001 },
  legacy_disabled: {
    cause: 'Legacy apps are switched off here, or the member has end to end encrypted devices.',
    cure: 'Use an up to date app, or ask the operator.',
    close: 4403,
  },
  not_connected: { cause: 'The app has no connection to its gateway.', cure: 'The app reconnects by itself; try again then.' },
  timed_out: { cause: 'An answer did not come in time.', cure: 'Try again.', certain: false },
  // Operator
  bad_config: {
    cause: 'The configuration is not valid.',
    cure: 'Mend the line or variable that the message names; `volly-bridge config check` tells when it is right.',
  },
  bad_answer: {
    cause: 'What setup was told is not allowed, or not all that it needs.',
    cure: 'Give the flag that the message names; `volly-bridge setup --help` lists them.',
  },
  config_exists: {
    cause: 'There is a configuration, and it says something else than a flag of setup.',
    cure: 'Leave the flag away to go on with that file, or have it written anew with --force.',
  },
  setup_ended: {
    cause: 'Setup was ended before it had written anything.',
    cure: 'Run it again; with --non-interactive it takes flags and asks nothing.',
  },
  placeholder_secret: {
    cause: 'The configuration still holds the sample’s placeholder token.',
    cure: 'Run `volly-bridge registration`, which makes tokens and writes them.',
  },
  wrong_token: {
    cause: 'The homeserver does not accept the as_token.',
    cure: 'Give the homeserver the registration file that belongs to this configuration and restart it.',
  },
  homeserver_absent: {
    cause: 'No connection to the homeserver comes about: nobody listens at its address, or it has none.',
    cure: 'Start it, or mend homeserver.url; the bridge keeps trying.',
  },
  homeserver_unreachable: {
    cause: 'The homeserver does not answer.',
    cure: 'Start it, or mend homeserver.url; the bridge keeps trying.',
  },
  homeserver_deaf: {
    cause: 'The homeserver answers, and does not bring what is sent to the bridge user.',
    cure: 'Look whether another program reads as the bridge user; the bridge starts over by itself.',
  },
  homeserver_refused: {
    cause: 'The homeserver refused a request.',
    cure: 'The message says which and why; see docs/OPERATIONS.md.',
  },
  newer_schema: {
    cause: 'The database was written by a newer version of this program.',
    cure: 'Run that version, or restore the backup made before the upgrade.',
  },
  database: {
    cause: 'The database could not be opened or written.',
    cure: 'Check the disk and the permissions of the file named; where another bridge has it, stop that one.',
  },
  bad_backup: {
    cause: 'A backup is not whole, or not of this community.',
    cure: 'Take another one; `volly-bridge backup` makes them, and the file that the message names says what it should hold.',
  },
  data_exists: {
    cause: 'There is data where the backup would go.',
    cure: 'If the backup is to take its place, say so with --force: what is there is kept beside it under another name.',
  },
  bad_request: {
    cause: 'A command, or a request to the admin API, is not as its operation wants it.',
    cure: '`volly-bridge help` has the commands, docs/admin.openapi.json the requests, with what they want.',
  },
  wrong_admin_token: {
    cause: 'The admin API was asked without its token, or with another one.',
    cure: 'Send what is in the file that admin.token names, as `Authorization: Bearer …`.',
  },
  not_confirmed: {
    cause: 'It cannot be taken back, and nobody said yes to it.',
    cure: 'Write what is asked for, or give --yes.',
  },
  internal: {
    cause: 'A bug of the bridge, which this has found.',
    cure: 'The bridge’s log has a line of it: please report that.',
    certain: false,
  },
  not_found: {
    cause: 'There is no such device, invite, peer or refused message.',
    cure: 'The list beside it has those that there are.',
  },
  not_running: {
    cause: 'No bridge of this configuration is running.',
    cure: 'Start it with `volly-bridge start`; --config names the configuration it runs with.',
  },
  port_taken: { cause: 'The address to listen on is taken.', cure: 'Stop the other program or choose another port.' },
  old_node: { cause: 'This Node.js is too old.', cure: 'Install Node.js 24.15 or newer.' },
} as const satisfies Record<string, ErrorEntry>;

/** One of the stable codes of docs/ERRORS.md: what an app decides by. */
export type ErrorCode = keyof typeof catalogue;
/** Each code's cause and cure, for whoever reads it: a developer or an operator. An app words its own messages. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = catalogue;

/** Whether a string from outside is one of our codes. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/** RFC 6455 section 7.4.2 leaves 4000 to 4999 to us; a code without one of its own means broken messages. */
export const closeCodeOf = (code: string): number => (isErrorCode(code) ? ERRORS[code].close : undefined) ?? 4400;

/**
 * The only error that code of this project throws on purpose. `detail` says which field or step, never what it held:
 * no user data, key or SDP reaches a log by way of an error.
 */
export class VollyError extends Error {
  /** Always `VollyError`. */
  override readonly name = 'VollyError';
  /** Why, for programs. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? code : `${code}: ${detail}`, options);
    this.code = code;
  }

  /** False where the refused thing may have happened all the same. */
  get certain(): boolean {
    return ERRORS[this.code].certain !== false;
  }
}

/** For a person: `bad_invite: An invite is unknown, used, or expired. — Ask the operator for another.`, with the detail where there is one. */
export function explain({ code, message }: VollyError): string {
  const detail = message.slice(code.length + 2);
  const { cause, cure } = ERRORS[code];
  return `${code}: ${detail === '' ? cause : `${cause.replace(/\.$/, '')}: ${detail}`} — ${cure}`;
}

/** Of an unknown error: a bug of ours, that some input has found. */
export const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof VollyError ? error.code : undefined);
