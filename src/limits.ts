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
  /** Media sections of an SDP: camera, screen, their sound and a data channel are five. */
  sdpSections: 16,
  /** A candidate's line: a few times what browsers write. */
  candidateCharacters: 512,
  /** Padded body of a message: the largest deflated SDP with room. */
  bodyBytes: 24_576,
  /** Devices in a member's list; an identity of 16 entries still fits one event. */
  devicesPerMember: 16,
  /** Suites named in a prekey: there is one so far. */
  suitesPerPrekey: 8,

  // Lives
  /** An offer: how late a phone may begin to ring. A caller who waited longer has given up. */
  offerLifeMs: 60_000,
  /** A hangup: no less than an offer, or one that was hung up during a cut would ring after it. */
  hangupLifeMs: 60_000,
  /** Every other message of a call: as long as old receive keys are kept. */
  messageLifeMs: 30_000,
  /** A key query and its bundles: a bridge that restarts is back by then, and a person with the phone at the ear still there. */
  keysLifeMs: 20_000,
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
  /** A signed device list, and each device in it: a device that was lost and cannot be removed ends by itself. */
  deviceListLifeMs: 30 * 86_400_000,
  /** The first device signs its list anew after a week: it may be away for three more. */
  deviceListRenewMs: 7 * 86_400_000,
  /** A device that is away longer cannot be called until it is back. */
  prekeyLifeMs: 14 * 86_400_000,
  /** What a stolen seed opens is the offers of about two days. */
  prekeyRotateMs: 86_400_000,
  /** The old prekey's seed is erased this long after its successor is published. */
  prekeyGraceMs: 86_400_000,
  /** How far ahead a list or prekey may have been made: a day is far less than their lives, and two clocks may differ by as much. */
  keysAheadMs: 86_400_000,
  /** The operator sends it by hand, and the member reads it some day. */
  inviteLifeMs: 7 * 86_400_000,

  // Calls
  /** Messages held for a call not known yet, opened in order once its offer arrives. */
  heldPerCall: 32,
  /** Calls held at once, of all senders: with `heldPerCall` a bound of what nobody has verified. */
  heldCalls: 64,
  /** Of these, of one member: several of its devices that call at once. */
  heldCallsPerMember: 8,
  /** And of all members of one server, whose names cost it nothing. */
  heldCallsPerServer: 16,
  /** No offer lives longer, so what still waits then waits for nothing. */
  heldMs: 60_000,
  /** Messages that found no room there and are left with the bridge in `heldMs`: its inbox has room for a device's calls beside them. */
  leftWithBridge: 64,
  /** An ended call's id drops messages this long. */
  endedMs: 300_000,
  /** A gap in a call's sequence that stays this long is not filled any more: `messageLifeMs`. It ends a call whose media is down too. */
  gapMs: 30_000,
  /** The lives of a negotiation's offer and of its answer: one that takes longer will not come to an end. */
  negotiateWaitMs: 60_000,
  /** Descriptions waiting behind a gap. One offer of a side is out at a time, and an SDP is large. */
  waitingDescriptions: 4,
  /** Batches of candidates waiting there, of up to 16 kB each and for as long as the call: more than a gathering of 10 s has. */
  waitingCandidates: 128,
  /** How far a sequence number may be ahead of the next one in order: what is opened and waits behind a gap. */
  replayWindow: 1_024,
  /** Three fit into `heartbeatLostMs`: two may be lost. */
  heartbeatMs: 20_000,
  /** Silence this long ends a call whose media is down too. Media that flows needs no signalling. */
  heartbeatLostMs: 60_000,
  /** For the bridge of a legacy app, which does not see the media: longer than an outage that people talk through; a peer that is gone does not keep a call for ever. */
  unseenLostMs: 600_000,
  /** Candidates of one gathering leave together: an event costs homeservers the same whatever it holds. */
  candidateBatchMs: 100,
  /** So many of the longest fit a body. */
  candidatesPerMessage: 32,
  /** Longer than a person lets a phone ring, whenever it began. */
  ringMs: 60_000,
  /** For a first `ringing`: the offer's life, `confirmMs`, and the way of the bridges' last word about it. */
  offerWaitMs: 70_000,
  /** From the first `ringing` on: a little longer than the phone rings, so that its end comes first or an answer in its last second still counts. */
  answerWaitMs: 65_000,
  /** As long as the answer lives: no select comes after it. */
  selectWaitMs: 30_000,
  /** No `ringing` by then: the prekey may be stale, and fresh keys are asked for. */
  ringingWaitMs: 5_000,
  /** For the first bundle of a member: the query's life, `confirmMs`, and the way of the bridges' last word about it. */
  keysWaitMs: 26_000,
  /** For the member's others, from the first one on; then what came is used. */
  bundleWaitMs: 5_000,
  /** Offers, subscribes and grants told apart; past it none is accepted until old ones go. */
  replayEntries: 10_000,
  /** A sender's share of the replay cache: one caller cannot fill it for all. */
  replayEntriesPerSender: 64,
  /** A server's: its members' names cost it nothing. */
  replayEntriesPerServer: 2_500,
  /** Offers, subscribes and grants of one member that a device verifies in a minute: more than a person or its app ever makes. */
  openingsPerMember: 30,
  /** The same of all strangers of one server: their names cost it nothing. Contacts stand beside that. */
  openingsOfStrangersPerServer: 120,
  /** And of all strangers. */
  openingsOfStrangers: 600,
  /** Presence updates that overtook their grant: the newest of each. */
  heldUpdates: 64,
  /** Their grant comes within seconds or not at all: the contact asks again. */
  heldUpdateMs: 30_000,
  /** An app's wait for its own community where a person waits with it: the first connection, a device shut out. Handshakes may be refused a few times meanwhile. */
  communityWaitMs: 60_000,
  /** Envelopes an app may pile up while it is offline; calls are over by then, presence replaces itself. */
  outgoingPerApp: 1_024,

  // Bridge
  /** Envelopes kept for one peer server that has not acknowledged them. */
  outboxPerPeer: 10_000,
  /** Of these, from one device: one app cannot fill the peer's queue. */
  outboxPerDevice: 500,
  /** Envelopes for all peers that nobody has acknowledged, in memory: a tenth of a small server's. */
  outboxBytes: 134_217_728,
  /** Of these, for one peer: a quarter, so that a server that acknowledges nothing is felt only by who writes to it. */
  outboxBytesPerPeer: 33_554_432,
  /** Of all, what peers ask this bridge for, bundles and ends: half, so that any number of peers that acknowledge nothing leaves room for calls. */
  outboxBytesOfAnswers: 67_108_864,
  /** And from all devices of one member, at most an eighth. */
  outboxBytesPerMember: 16_777_216,
  /** Peers that envelopes of one member wait for: more than an address book has, and each is woken every 3 s while its server does not answer. */
  peersPerMember: 256,
  /**
   * How long past their end the addresses of acknowledged envelopes are kept: an `undeliverable` is on its way for `endLifeMs`, and is
   * begun up to a minute after that end by the other bridge's clock.
   */
  ackedMemoryMs: 1_260_000,
  /** Presence updates queued for one peer: some seconds of a large community. */
  presenceQueuePerPeer: 2_000,
  /** Subscribes and grants of one device: their ids are remembered for a week. A large address book at once, then one each 10 s. */
  lastingBurst: 2_000,
  /** See `lastingBurst`. */
  lastingPerSecond: 0.1,
  /** A carrier that has not answered by then counts as failed, and the next one is tried; `carriers` in the configuration says otherwise. */
  carrierMs: 10_000,
  /** Requests under way to one peer, and only while whole events wait: more would only queue inside the homeserver. */
  requestsPerPeer: 4,
  /** Hellos to known peers in one second of a round: 10,000 of them take 8 min, and a homeserver that has just come back has other work. */
  greetsPerSecond: 20,
  /** Hellos of one peer: each may cost a reply and a repeat of all that waits. */
  hellosPerSecond: 1 / 3,
  /** A bridge that restarts, with a wake-up or two. */
  hellosBurst: 5,
  /** Key queries of one server (or own device): each is answered with up to 16 bundles of 20 kB. */
  keyQueriesPerSecond: 20,
  /** A community whose apps all start at once, as after its bridge restarted. */
  keyQueriesBurst: 200,
  /** Of these, of one device: one member cannot use up what its community may ask. */
  keyQueriesPerDevicePerSecond: 5,
  /** An app that starts and looks its whole address book up. */
  keyQueriesPerDeviceBurst: 100,
  /** How long `undeliverable` waits for the sender's bridge and app: longer than a cut of a quarter of an hour. */
  endLifeMs: 1_200_000,
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
  /** Envelopes of which this run knows that no device was handed them, in memory: 20 MB. Of one forgotten `unconfirmed` is said, not `undeliverable`. */
  untouchedRows: 100_000,
  /** Envelopes waiting here from one origin server for all devices. */
  inboxPerOrigin: 20_000,
  /** Ids remembered of one origin server to tell repeats: a hundred a second with a week's life would be more, and is refused. */
  seenPerOrigin: 1_000_000,
  /** For an operator to look at, not to keep: the oldest goes first. */
  quarantineRows: 1_000,
  /** Of one server in one answer of /sync: the rest is counted. One server's junk neither costs a commit each nor drives out all else. */
  quarantinePerAnswer: 8,
  /** And no more than this, since each may be 60,000. */
  quarantineBytes: 16_777_216,
  /** Answers of /sync journaled and not yet routed before the next one is asked for. */
  journalRows: 16,
  /** A homeserver's transaction: Synapse sends up to 6 MB. */
  transactionBytes: 20_971_520,
  /** An answer of /sync: 100 events of 64 kB. */
  syncBytes: 33_554_432,
  /** Any other answer of the homeserver: they have a few hundred bytes, so this is room and not a need. */
  answerBytes: 1_048_576,
  /** Peer servers of which anything is remembered, in memory or on disk: names cost nothing, so there must be an end. */
  peers: 10_000,
  /** Offers whose set-up is timed at once: a community of 10,000 members in its busiest minute. Of more the oldest are not timed. */
  offersTimed: 10_000,

  // Administering
  /** A request's body: names and a few numbers. */
  adminBodyBytes: 16_384,
  /** Requests without the token, from one address: a program that has an old one goes on asking. */
  adminFailuresPerMinute: 20,
  /** Connections of all who ask: the operator's programs are few. */
  adminConnections: 64,

  // Gateway
  /** One WebSocket message: an envelope or a bundle with its record's frame. */
  frameBytes: 65_536,
  /** Room for a slow phone on a slow network; past it the place belongs to the next one. */
  handshakeMs: 10_000,
  /** Each costs signatures. Apps behind one address, of a household or office, reconnect at once after a cut. */
  handshakesPerAddressPerMinute: 30,
  /** Of all addresses: what is begun and holds keys and a timer. */
  handshakesAtOnce: 64,
  /** A household or office behind one address. */
  connectionsPerAddress: 64,
  /** So many addresses counts an IPv6 /48 as, at the door: one customer may be given all of it, and a provider may share it out. */
  addressesPerNetwork: 4,
  /** Sockets of one process: memory and file descriptors have an end. */
  connections: 20_000,
  /** Of one app: many times what a call sends. */
  framesPerSecond: 50,
  /** An app that reconnects sends at once what waited. */
  framesBurst: 200,
  /** Bytes queued to one socket before the gateway stops sending and waits for acks. */
  socketBufferBytes: 1_048_576,
  /** Frames sent and not yet acknowledged, either way; the bound of what a resumption repeats. */
  unackedFrames: 256,
  /** Frames in one record: as many as may be unacknowledged. */
  framesPerRecord: 256,
  /** Malformed frames of one connection: more than an app with one bug sends by accident in one call. */
  malformedFrames: 16,
  /** Below the 30 s and more after which proxies and routers drop a silent connection; two of silence end it, on both sides. */
  pingMs: 25_000,
  /** Records under one key: far below what the AEAD bears, so that a stolen key opens little. */
  recordsPerKey: 1_048_576,
  /** Or this long, whichever comes first. */
  keyLifeMs: 3_600_000,
  /** Since the last full handshake, on whose keys every resumption after it rests. */
  ticketLifeMs: 86_400_000,
  /** The newest, and the one before whose successor the device may never have got. */
  ticketsPerDevice: 2,
  /** Steps from earlier community keys, 5.4 kB each in every full handshake. An app that was away for more changes of the key is invited anew. */
  communitySuccessors: 4,

  // Legacy
  /** Apps of one member: devices of one person, and their forgotten tabs; past it the oldest connection goes. */
  legacyAppsPerMember: 8,
  /** Calls of one member at once, on all its apps: each holds keys and timers. */
  legacyCallsPerMember: 16,
  /** Candidates of an app before its call is selected: several interfaces, address families and servers. */
  legacyCandidates: 256,
  /** Peers remembered of one member: a large address book for life. One takes 20 kB at most, and none is ever forgotten. */
  legacyPeersPerMember: 10_000,
  /** What an offer counts for in frames: it makes the bridge ask another community for keys, and seal and sign for up to 16 devices. */
  legacyOfferFrames: 20,

  // Admin room
  /** What an admin writes: the longest command is a fraction of it. */
  adminLineCharacters: 1_000,
  /** The bot's answer in both of its forms. Nobody reads more in a chat, and an event ends at 65,536. */
  adminAnswerBytes: 20_000,
  /** How old a command may be, and how far in the future: a bridge that restarts still heeds it, and nobody is surprised by it. */
  adminEventMs: 300_000,
  /** How long a command is remembered, so that it is not done twice: twice `adminEventMs`, after which none is heeded any more, and a minute. */
  adminMemoryMs: 660_000,
  /** Commands of one admin in `adminMemoryMs`. More than a person writes; for more there are the command line and the API. */
  adminCommands: 120,
  /** Rooms that the bot is just leaving and invites it is turning down: another server may take its time. */
  adminLeavesAtOnce: 8,
} as const;
