/**
 * Every cap in one place, with its reason. docs/LIMITS.md is generated from the comments here.
 * Sizes in bytes, times in milliseconds, unless the name says otherwise.
 */

export const LIMITS = {
  // Envelopes
  /** An envelope's JSON. A to-device event ends at 65,536 bytes of content; the rest is its frame. */
  envelopeBytes: 60_000,
  /** Envelopes of one to-device event; 60,000 bytes of the smallest sealed envelope hold about 60, acks are one envelope. */
  envelopesPerEvent: 256,
  /** Ids in one ack envelope: 25 bytes each, well inside an envelope. */
  acksPerEnvelope: 512,
  /** Bytes of envelopes put into one event. */
  eventBytes: 60_000,
  /** The signed header: 12 fields, the largest two addresses and six hashes fit four times over. */
  headerBytes: 2_048,
  /** CBOR nesting: a device list is array in array in array; nothing needs a fourth beyond its bundle. */
  cborDepth: 4,
  /** What an SDP may inflate to. A browser's audio, video and data offer is 9.5 kB. */
  sdpBytes: 65_536,
  /** Padded body of a message: the largest deflated SDP with room. */
  bodyBytes: 24_576,
  /** Devices in a member's list; an identity of 16 entries still fits one event. */
  devicesPerMember: 16,

  // Lives
  /** An offer: longer than a person lets a phone ring. */
  offerLifeMs: 60_000,
  /** Every other message of a call: as long as old receive keys are kept. */
  messageLifeMs: 30_000,
  /** A key query and its bundles: the caller waits 5 s, twice. */
  keysLifeMs: 10_000,
  /** A presence update; after it the member is shown offline. */
  presenceLifeMs: 300_000,
  /** Subscribe and grant: kept for a device that is away. */
  grantLifeMs: 7 * 86_400_000,
  /** How far `sent_ts` may lie in the future: two honest clocks. */
  futureMs: 30_000,
  /** How long the replay cache remembers, longer than any accepted age. */
  replayMs: 300_000,
  /** The sender is told `unconfirmed` this long after a message's end: one more round trip of acks. */
  confirmMs: 5_000,
  /** Clocks of two bridges further apart than this are shown to the operators. */
  skewMs: 20_000,
  deviceListLifeMs: 30 * 86_400_000,
  deviceListRenewMs: 7 * 86_400_000,
  prekeyLifeMs: 14 * 86_400_000,
  prekeyRotateMs: 86_400_000,
  /** The old prekey's seed is erased this long after its successor is published. */
  prekeyGraceMs: 86_400_000,
  inviteLifeMs: 7 * 86_400_000,

  // Calls
  /** Messages held for a call not known yet, opened in order once its offer arrives. */
  heldPerCall: 32,
  heldCalls: 64,
  heldMs: 60_000,
  /** An ended call's id drops messages this long. */
  endedMs: 300_000,
  /** A gap in a call's sequence that stays this long ends the call. */
  gapMs: 30_000,
  /** Sequence numbers behind the newest that are still told apart. */
  replayWindow: 1_024,
  heartbeatMs: 20_000,
  heartbeatLostMs: 60_000,
  candidateBatchMs: 100,
  candidatesPerMessage: 32,
  selectWaitMs: 30_000,
  ringingWaitMs: 5_000,
  bundleWaitMs: 5_000,
  replayEntries: 10_000,
  /** A sender's share of the replay cache: one caller cannot fill it for all. */
  replayEntriesPerSender: 64,
  /** A server's: its members' names cost it nothing. */
  replayEntriesPerServer: 2_500,

  // Bridge
  /** Envelopes kept for one peer server that has not acknowledged them. */
  outboxPerPeer: 10_000,
  /** Of these, from one device: one app cannot fill the peer's queue. */
  outboxPerDevice: 500,
  /** Envelopes for all peers that nobody has acknowledged, in memory: a tenth of a small server's. */
  outboxBytes: 134_217_728,
  /** Of these, for one peer: a quarter, so that a server that acknowledges nothing is felt only by who writes to it. */
  outboxBytesPerPeer: 33_554_432,
  /** And from all devices of one member, at most an eighth. */
  outboxBytesPerMember: 16_777_216,
  /** Peers that envelopes of one member wait for: more than an address book has, and each is woken every 3 s while it is silent. */
  peersPerMember: 256,
  /** Presence updates queued for one peer: some seconds of a large community. */
  presenceQueuePerPeer: 2_000,
  /** Subscribes and grants of one device: their ids are remembered for a week. A large address book at once, then one each 10 s. */
  lastingBurst: 2_000,
  lastingPerSecond: 0.1,
  /** A carrier that has not answered by then counts as failed, and the next one is tried. */
  carrierMs: 10_000,
  /** Requests under way to one peer, and only while whole events wait: more would only queue inside the homeserver. */
  requestsPerPeer: 4,
  /** Key queries of one server (or own device): each is answered with up to 16 bundles of 20 kB. */
  keyQueriesPerSecond: 20,
  keyQueriesBurst: 200,
  /** Of these, of one device: one member cannot use up what its community may ask. */
  keyQueriesPerDevicePerSecond: 5,
  keyQueriesPerDeviceBurst: 100,
  /** How long `undeliverable` and its kind wait for the app of the sender. */
  endLifeMs: 300_000,
  /** An id is remembered so long past its envelope's end, and at least this long. */
  seenMarginMs: 60_000,
  /** Ids of presence updates told apart, in memory. Losing one early costs nothing: the app compares numbers too. */
  recentIds: 50_000,
  /** Envelopes waiting for one device. */
  inboxPerDevice: 500,
  /** Of these, from one origin server: half, so that no other community alone keeps all others from a device that is away. */
  inboxPerDeviceOfOrigin: 250,
  /** And from all devices of one member: a call's backlog of half a minute. */
  inboxPerDeviceOfMember: 64,
  /** Envelopes waiting here from one origin server for all devices. */
  inboxPerOrigin: 20_000,
  /** Ids remembered of one origin server to tell repeats: a hundred a second with a week's life would be more, and is refused. */
  seenPerOrigin: 1_000_000,
  quarantineRows: 1_000,
  /** Of one server in one answer of /sync: the rest is counted. One server's junk neither costs a commit each nor drives out all else. */
  quarantinePerAnswer: 8,
  quarantineBytes: 16_777_216,
  /** Answers of /sync journaled and not yet routed before the next one is asked for. */
  journalRows: 16,
  /** A homeserver's transaction: Synapse sends up to 6 MB. */
  transactionBytes: 20_971_520,
  /** An answer of /sync: 100 events of 64 kB. */
  syncBytes: 33_554_432,
  peers: 10_000,

  // Gateway
  /** One WebSocket message: an envelope or a bundle with its record's frame. */
  frameBytes: 65_536,
  handshakeMs: 10_000,
  handshakesPerAddressPerMinute: 30,
  handshakesAtOnce: 64,
  connectionsPerAddress: 64,
  connections: 20_000,
  framesPerSecond: 50,
  framesBurst: 200,
  /** Bytes queued to one socket before the gateway stops sending and waits for acks. */
  socketBufferBytes: 1_048_576,
  /** Frames sent and not yet acknowledged, either way; the bound of what a resumption repeats. */
  unackedFrames: 256,
  pingMs: 25_000,
  recordsPerKey: 1_048_576,
  keyLifeMs: 3_600_000,
  ticketLifeMs: 86_400_000,
  ticketsPerDevice: 2,
} as const;
