/** What no single option shows: the file’s shape, and options that do not agree. */
import { GOOD, type Mistake } from './mistake.ts';

export const SHAPE: readonly Mistake[] = [
  // carriers
  {
    name: 'an unknown carrier',
    text: `${GOOD}carriers: [{kind: pigeon}]\n`,
    problems: ['5:19: carriers.0.kind found "pigeon"; allowed is to_device'],
  },
  {
    name: 'a carrier with a hyphen',
    text: `${GOOD}carriers: [{kind: to-device}]\n`,
    problems: ['5:19: carriers.0.kind found "to-device"; allowed is to_device; did you mean to_device?'],
  },
  {
    name: 'a carrier with no time',
    text: `${GOOD}carriers:\n  - kind: to_device\n    timeout_ms: 0\n`,
    problems: ['7:17: carriers.0.timeout_ms found 0; allowed is a whole number from 1000 to 30000'],
  },
  {
    name: 'a unit',
    text: `${GOOD}carriers:\n  - kind: to_device\n    timeout_ms: 10s\n`,
    problems: ['7:17: carriers.0.timeout_ms found "10s"; allowed is a whole number from 1000 to 30000'],
  },
  {
    name: 'no carrier',
    text: `${GOOD}carriers: []\n`,
    problems: ['5:11: carriers found a list; allowed is a list of sections with kind, timeout_ms'],
  },
  {
    name: 'a carrier twice',
    text: `${GOOD}carriers: [{kind: to_device}, {kind: to_device, timeout_ms: 2000}]\n`,
    problems: ['5:38: carriers.1.kind is the same carrier as carriers.0.kind; take out one'],
  },
  // two options that do not agree
  {
    name: 'one port for two listeners',
    text: `${GOOD}  listen: {port: 29330}\n`,
    problems: ['5:18: gateway.listen.port is the same port as appservice.listen.port; each listener needs its own'],
  },
  {
    name: 'one port for two listeners, where the other one is written',
    text: `${GOOD}appservice:\n  listen: {port: 29331}\n`,
    problems: ['6:18: appservice.listen.port is the same port as gateway.listen.port; each listener needs its own'],
  },
  {
    name: 'one port, once for every address',
    text: `${GOOD}admin:\n  listen: {host: 0.0.0.0, port: 29331}\n`,
    problems: ['6:33: admin.listen.port is the same port as gateway.listen.port; each listener needs its own'],
  },
  {
    name: 'one file for two things',
    text: `${GOOD}storage: {path: data/community.key}\n`,
    problems: ['5:17: storage.path is the same file as keys.path; each needs its own'],
  },
  {
    name: 'a server both allowed and denied',
    text: `${GOOD}policy:\n  allow: [iris.example]\n  deny: [iris.example]\n`,
    problems: ['7:10: policy.deny.0 is the same server as policy.allow.0; take out one'],
  },
  // YAML
  { name: 'a section twice', text: `${GOOD}gateway: {}\n`, problems: ['5:1: gateway stands here again; first in line 3'] },
  {
    name: 'an option twice',
    text: `${GOOD}  public_url: wss://x.example\n`,
    problems: ['5:3: gateway.public_url stands here again; first in line 4'],
  },
  {
    name: 'an option that is not indented',
    text: 'homeserver:\nserver_name: orchid.example\ngateway:\n  public_url: wss://volly.orchid.example\n',
    problems: [
      '1:12: homeserver found nothing; allowed is a section with url, server_name',
      '2:1: server_name is unknown; did you mean homeserver.server_name?',
    ],
  },
  {
    name: 'a section that is indented too far',
    text: GOOD.replace('gateway:\n', '  gateway:\n  '),
    problems: [
      '3:3: homeserver.gateway is unknown; did you mean gateway?',
      '1:1: gateway is missing; allowed is a section with listen, public_url, legacy, trusted_proxies, tls',
    ],
  },
  {
    name: 'options in two columns',
    text: GOOD.replace('  public', '   legacy: true\n  public'),
    problems: ['5:1: not YAML: All mapping items must start at the same column'],
  },
  { name: 'a tab', text: GOOD.replace('  public', '\tpublic'), problems: ['4:1: not YAML: a tab; indent with spaces'] },
  {
    name: 'a colon without a space',
    text: GOOD.replace('url: ', 'url:'),
    problems: [
      '4:3: gateway found "public_url:wss://volly.orchid.example"; allowed is a section with listen, public_url, legacy, trusted_proxies, tls; between an option and its value stand a colon and a space',
    ],
  },
  {
    name: 'a colon without a space in the middle',
    text: `${GOOD}  legacy:true\n  listen: {port: 443}\n`,
    problems: ['5:3: not YAML: a line without its colon, which has a space behind it'],
  },
  {
    name: 'an equals sign',
    text: `${GOOD}logging:\n  level = debug\n`,
    problems: [
      '6:3: logging found "level = debug"; allowed is a section with level; between an option and its value stand a colon and a space',
    ],
  },
  {
    name: 'two colons in a line',
    text: `${GOOD}logging: level: debug\n`,
    problems: ['5:10: not YAML: a second colon; a section begins on the next line, and text with a colon needs quotes'],
  },
  { name: 'an open quote', text: `${GOOD}storage:\n  path: "./volly.db\n`, problems: ['7:1: not YAML: Missing closing "quote'] },
  {
    name: 'an open bracket',
    text: `${GOOD}policy:\n  deny: [iris.example\n`,
    problems: ['7:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  },
  {
    name: 'two documents',
    text: `${GOOD}---\nlogging: {level: debug}\n`,
    problems: ['5:1: not YAML: a second document begins; take out the line ---'],
  },
  { name: 'a tag', text: `${GOOD}logging: {level: !env LEVEL}\n`, problems: ['5:18: not YAML: Unresolved tag: !env'] },
  {
    name: 'a list of all',
    text: '- homeserver:\n    server_name: orchid.example\n',
    problems: [
      '1:1: found a list; allowed is a section with homeserver, appservice, gateway, admin, storage, keys, policy, carriers, logging',
    ],
  },
  {
    name: 'no section at all',
    text: 'hello\n',
    problems: [
      '1:1: found "hello"; allowed is a section with homeserver, appservice, gateway, admin, storage, keys, policy, carriers, logging',
    ],
  },
  { name: 'a byte that no text has', text: `${GOOD}# \0\n`, problems: ['5:3: not text; save it as UTF-8'] },
  { name: 'another encoding', text: `${GOOD}# caf\ufffd\n`, problems: ['5:6: not text; save it as UTF-8'] },
  {
    name: 'a mistake behind a byte order mark',
    text: `\ufeff${GOOD}  legcay: true\n`,
    problems: ['5:3: gateway.legcay is unknown; did you mean legacy?'],
  },
  {
    name: 'a mistake behind Windows’ line ends',
    text: `${GOOD}  legcay: true\n`.replaceAll('\n', '\r\n'),
    problems: ['5:3: gateway.legcay is unknown; did you mean legacy?'],
  },
];
