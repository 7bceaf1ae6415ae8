/** What the doctor looks at, in the order in which it tells. docs/DOCTOR.md is generated from it. */

interface About {
  /** At the head of the line. */
  readonly title: string;
  /** What is tried. */
  readonly tries: string;
}

const catalogue = {
  node: { title: 'Node.js', tries: 'The version of Node.js is new enough.' },
  config: { title: 'Configuration', tries: 'The file can be read, and every option in it is known and allowed.' },
  storage: {
    title: 'Data folder',
    tries:
      'The folders of database, key, registration and admin token are there, a file can be written and synced in each, and the disk has room.',
  },
  permissions: {
    title: 'Secret files',
    tries:
      'Registration, community key, admin token, TLS key and database are readable by this user and nobody else; nobody else may write the configuration. A registration may be read by one group.',
  },
  registration: {
    title: 'Registration',
    tries:
      'The file is there, holds two real tokens and is the one that this configuration would write: id, address, namespaces; it asks for no pushes of to-device messages.',
  },
  key: { title: 'Community key', tries: 'The key is there and whole; where there is a database there must be a key.' },
  tls: {
    title: 'Own certificate',
    tries: 'With `gateway.tls`: certificate and key can be read, belong together, and are not past their time.',
  },
  database: {
    title: 'Database',
    tries:
      'It opens, passes SQLite’s quick check, has the schema of this version, and is held by nobody but the bridge that answers.',
  },
  bridge: { title: 'Running bridge', tries: 'A bridge of this configuration answers, and is of the installed version.' },
  ports: { title: 'Ports', tries: 'The addresses to listen on are free, or are the running bridge’s.' },
  homeserver: { title: 'Homeserver', tries: 'A Matrix homeserver answers at `homeserver.url`.' },
  software: { title: 'Software', tries: 'It is a homeserver and a version that this bridge was tested with.' },
  clock: { title: 'Clock', tries: 'This machine’s clock against the homeserver’s.' },
  as_token: { title: 'Token to the homeserver', tries: 'The homeserver knows the as_token.' },
  server_name: { title: 'Server name', tries: 'The homeserver’s server_name is the configured one.' },
  bridge_user: {
    title: 'Bridge user',
    tries:
      'The homeserver lets the bridge be `@_volly.bridge` and have the device `VOLLY`. Makes both where they are not there yet, as a start does.',
  },
  ping: {
    title: 'Token from the homeserver',
    tries:
      'Asked to, the homeserver reaches the bridge at `appservice.url` and shows the hs_token. Where no bridge runs the doctor listens there meanwhile.',
  },
  receiving: {
    title: 'Receiving',
    tries:
      'A message of the bridge to itself comes back, and how fast: the running bridge tells its own measure; where none runs the doctor sends one. What waits for the bridge is not taken.',
  },
  peers: { title: 'Peers', tries: 'The running bridge’s peers: back-off, what waits for them, their clocks.' },
  federation: {
    title: 'Federation',
    tries:
      'The server name leads, by well-known file, SRV record and port as Matrix has it, to a server that says it is this one, with a valid certificate. Tried from this machine.',
  },
  peer: {
    title: 'Peer',
    tries:
      'With `--peer`: policy lets it, our homeserver reaches its homeserver (key query), with times; where it does not, what this machine sees.',
  },
  peer_bridge: {
    title: 'Bridge of peer',
    tries:
      'With `--peer`: its bridge user is known there; where our bridge runs, it greets that peer’s, and the time until the answer is told.',
  },
  turn: {
    title: 'TURN',
    tries: 'The homeserver gives TURN addresses and credentials, and each address allocates a relay with them (UDP, TCP, TLS).',
  },
  gateway: {
    title: 'Gateway',
    tries:
      'While the bridge runs: its public address is reached with a valid certificate, takes a WebSocket, and greets with this community’s key.',
  },
} as const satisfies Record<string, About>;

export type CheckName = keyof typeof catalogue;
export const CHECKS: Readonly<Record<CheckName, About>> = catalogue;
