/** Names and values in the wrong place, or in none. */
import { GOOD, type Mistake } from './mistake.ts';

export const NAMES: readonly Mistake[] = [
  // names
  {
    name: 'a misspelled option',
    text: `${GOOD}  legcay: true\n`,
    problems: ['5:3: gateway.legcay is unknown; did you mean legacy?'],
  },
  {
    name: 'a misspelled section',
    text: `${GOOD}polcy:\n  deny: []\n`,
    problems: ['5:1: polcy is unknown; did you mean policy?'],
  },
  {
    name: 'camel case',
    text: GOOD.replace('public_url', 'publicUrl'),
    problems: ['4:3: gateway.publicUrl is unknown; did you mean public_url?'],
  },
  {
    name: 'hyphens',
    text: GOOD.replace('public_url', 'public-url'),
    problems: ['4:3: gateway.public-url is unknown; did you mean public_url?'],
  },
  {
    name: 'upper case',
    text: GOOD.replace('gateway:', 'Gateway:'),
    problems: ['3:1: Gateway is unknown; did you mean gateway?'],
  },
  {
    name: 'an option in the wrong section',
    text: `${GOOD}storage:\n  public_url: x\n`,
    problems: ['6:3: storage.public_url is unknown; did you mean gateway.public_url?'],
  },
  {
    name: 'an option of several sections outside of all',
    text: `${GOOD}listen: {port: 443}\n`,
    problems: ['5:1: listen is unknown; did you mean appservice.listen or gateway.listen or admin.listen?'],
  },
  {
    name: 'dots',
    text: `${GOOD}gateway.listen.port: 443\n`,
    problems: ['5:1: gateway.listen.port is unknown; did you mean gateway: {listen: {port: …}}?'],
  },
  {
    name: 'a name like no other',
    text: `${GOOD}storage:\n  engine: x\n`,
    problems: ['6:3: storage.engine is unknown; allowed is path'],
  },
  {
    name: 'a name that JavaScript knows',
    text: `${GOOD}__proto__: 1\n`,
    problems: [
      '5:1: __proto__ is unknown; allowed are homeserver, appservice, gateway, admin, storage, keys, policy, carriers, logging',
    ],
  },
  {
    name: 'a merge',
    text: `${GOOD}policy:\n  <<: {deny: []}\n`,
    problems: ['6:3: policy.<< is unknown; allowed are allow, deny'],
  },
  // secrets
  {
    name: 'a token',
    text: `${GOOD}appservice:\n  as_token: 5b0c5c8c0a3d1b5f6e2d9a7c4f1e8b3d\n`,
    problems: [
      '6:3: appservice.as_token is unknown; tokens live in the file that appservice.registration names, or in those of as_token_file and hs_token_file',
    ],
  },
  {
    name: 'a token for the path of its file',
    text: `${GOOD}admin:\n  token: 5b0c5c8c0a3d1b5f6e2d9a7c4f1e8b3d\n`,
    problems: [
      '6:10: admin.token found what looks like a secret; write it into a file and name that: allowed is a path, relative to the configuration file or absolute',
    ],
  },
  {
    name: 'one token’s file without the other',
    text: `${GOOD}appservice:\n  as_token_file: ./as\n`,
    problems: ['6:18: appservice.as_token_file stands without appservice.hs_token_file; both or neither'],
  },
  {
    name: 'a password in an address',
    text: GOOD.replace('wss://', 'wss://alice:secret@'),
    problems: [
      '4:15: gateway.public_url found "wss://…@volly.orchid.example"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only); did you mean wss://volly.orchid.example?',
    ],
  },
  // what is missing
  {
    name: 'an option',
    text: GOOD.replace('  server_name: orchid.example\n', '  url: http://localhost:8008\n'),
    problems: [
      '1:1: homeserver.server_name is missing; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example',
    ],
  },
  {
    name: 'a section',
    text: 'homeserver:\n  server_name: orchid.example\n',
    problems: ['1:1: gateway is missing; allowed is a section with listen, public_url, legacy, trusted_proxies, tls'],
  },
  {
    name: 'a required value',
    text: GOOD.replace(' orchid.example', ''),
    problems: [
      '2:15: homeserver.server_name found nothing; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example',
    ],
  },
  {
    name: 'a value',
    text: `${GOOD}storage:\n  path:\n`,
    problems: ['6:8: storage.path found nothing; allowed is a path, relative to the configuration file or absolute'],
  },
  {
    name: 'half of tls',
    text: `${GOOD}  tls:\n    key: ./tls.key\n`,
    problems: ['5:3: gateway.tls.certificate is missing; allowed is a path, relative to the configuration file or absolute'],
  },
  { name: 'everything', text: '', problems: ['1:1: is empty; config.sample.yaml shows what belongs here'] },
  {
    name: 'everything but comments',
    text: '# nothing\n',
    problems: ['1:1: is empty; config.sample.yaml shows what belongs here'],
  },
];
