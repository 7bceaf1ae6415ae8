/** Values that are not allowed. */
import { GOOD, type Mistake } from './mistake.ts';

export const VALUES: readonly Mistake[] = [
  // numbers
  {
    name: 'a word for a port',
    text: `${GOOD}  listen:\n    port: eighty\n`,
    problems: ['6:11: gateway.listen.port found "eighty"; allowed is a whole number from 1 to 65535'],
  },
  {
    name: 'a number in quotes',
    text: `${GOOD}  listen: {port: "443"}\n`,
    problems: [
      '5:18: gateway.listen.port found "443"; allowed is a whole number from 1 to 65535; did you mean 443, without quotes?',
    ],
  },
  {
    name: 'a number with separators',
    text: `${GOOD}  listen: {port: 29_400}\n`,
    problems: ['5:18: gateway.listen.port found "29_400"; allowed is a whole number from 1 to 65535; did you mean 29400?'],
  },
  {
    name: 'a port out of range',
    text: `${GOOD}  listen: {port: 70000}\n`,
    problems: ['5:18: gateway.listen.port found 70000; allowed is a whole number from 1 to 65535'],
  },
  {
    name: 'a port below all',
    text: `${GOOD}  listen: {port: 0}\n`,
    problems: ['5:18: gateway.listen.port found 0; allowed is a whole number from 1 to 65535'],
  },
  {
    name: 'a port with a fraction',
    text: `${GOOD}  listen: {port: 80.5}\n`,
    problems: ['5:18: gateway.listen.port found 80.5; allowed is a whole number from 1 to 65535'],
  },
  {
    name: 'a list for a number',
    text: `${GOOD}  listen: {port: [443]}\n`,
    problems: ['5:18: gateway.listen.port found a list; allowed is a whole number from 1 to 65535; did you mean 443?'],
  },
  {
    name: 'host and port in one',
    text: `${GOOD}  listen: 127.0.0.1:443\n`,
    problems: ['5:11: gateway.listen found "127.0.0.1:443"; allowed is a section with host, port'],
  },
  {
    name: 'an address for a host',
    text: `${GOOD}  listen: {host: http://0.0.0.0}\n`,
    problems: [
      '5:18: gateway.listen.host found "http://0.0.0.0"; allowed is an IP address or host name, as 127.0.0.1, 0.0.0.0 or ::; did you mean 0.0.0.0?',
    ],
  },
  // server names and users
  {
    name: 'an upper-case server name',
    text: GOOD.replace('orchid', 'Orchid'),
    problems: [
      '2:16: homeserver.server_name found "Orchid.example"; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example; did you mean orchid.example?',
    ],
  },
  {
    name: 'a user id for a server name',
    text: GOOD.replace(': orchid.example', ': "@alice:orchid.example"'),
    problems: [
      '2:16: homeserver.server_name found "@alice:orchid.example"; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example; did you mean orchid.example?',
    ],
  },
  {
    name: 'an address for a server name',
    text: GOOD.replace(': orchid.example', ': https://orchid.example/'),
    problems: [
      '2:16: homeserver.server_name found "https://orchid.example/"; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example; did you mean orchid.example?',
    ],
  },
  {
    name: 'an underscore in a server name',
    text: GOOD.replace(': orchid.example', ': my_orchid.example'),
    problems: [
      '2:16: homeserver.server_name found "my_orchid.example"; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example',
    ],
  },
  {
    name: 'an address in a list of names',
    text: `${GOOD}policy:\n  deny: [iris.example, https://bad.example]\n`,
    problems: [
      '6:24: policy.deny.1 found "https://bad.example"; allowed is a Matrix server name, as iris.example, or *.iris.example; did you mean bad.example?',
    ],
  },
  {
    name: 'one name for a list',
    text: `${GOOD}policy:\n  deny: iris.example\n`,
    problems: ['6:9: policy.deny found "iris.example"; allowed is a list of Matrix server names; did you mean [iris.example]?'],
  },
  {
    name: 'names with commas for a list',
    text: `${GOOD}policy:\n  deny: iris.example, moss.example\n`,
    problems: [
      '6:9: policy.deny found "iris.example, moss.example"; allowed is a list of Matrix server names; did you mean [iris.example, moss.example]?',
    ],
  },
  {
    name: 'a section for a list',
    text: `${GOOD}policy:\n  deny: {iris.example: true}\n`,
    problems: ['6:3: policy.deny found a section; allowed is a list of Matrix server names'],
  },
  {
    name: 'a star without quotes',
    text: `${GOOD}policy:\n  deny: [*.iris.example]\n`,
    problems: ['6:10: *.iris.example names nothing; text with a star needs quotes'],
  },
  {
    name: 'a star without a dot',
    text: `${GOOD}policy:\n  deny: ["*iris.example"]\n`,
    problems: [
      '6:10: policy.deny.0 found "*iris.example"; allowed is a Matrix server name, as iris.example, or *.iris.example; did you mean "*.iris.example"?',
    ],
  },
  {
    name: 'an @ without quotes',
    text: `${GOOD}admin:\n  users: [@operator:orchid.example]\n`,
    problems: ['6:11: not YAML: text that begins with this sign needs quotes'],
  },
  {
    name: 'a member’s address for a user id',
    text: `${GOOD}admin:\n  users: ["operator@orchid.example"]\n`,
    problems: [
      '6:11: admin.users.0 found "operator@orchid.example"; allowed is a whole Matrix user id, as @operator:orchid.example; did you mean "@operator:orchid.example"?',
    ],
  },
  {
    name: 'half a user id',
    text: `${GOOD}admin:\n  users: [operator]\n`,
    problems: ['6:11: admin.users.0 found "operator"; allowed is a whole Matrix user id, as @operator:orchid.example'],
  },
  // addresses
  {
    name: 'a path behind the homeserver',
    text: GOOD.replace('homeserver:\n', 'homeserver:\n  url: http://localhost:8008/_matrix\n'),
    problems: [
      '2:8: homeserver.url found "http://localhost:8008/_matrix"; allowed is an http:// or https:// address without a path; did you mean http://localhost:8008?',
    ],
  },
  {
    name: 'a homeserver without a scheme',
    text: GOOD.replace('homeserver:\n', 'homeserver:\n  url: localhost:8008\n'),
    problems: [
      '2:8: homeserver.url found "localhost:8008"; allowed is an http:// or https:// address without a path; did you mean http://localhost:8008?',
    ],
  },
  {
    name: 'a gateway without TLS for others than this machine',
    text: GOOD.replace('wss:', 'ws:'),
    problems: [
      '4:15: gateway.public_url found "ws://volly.orchid.example"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only); did you mean wss://volly.orchid.example?',
    ],
  },
  {
    name: 'a gateway without a scheme',
    text: GOOD.replace('wss://', ''),
    problems: [
      '4:15: gateway.public_url found "volly.orchid.example"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only); did you mean wss://volly.orchid.example?',
    ],
  },
  {
    name: 'a gateway with a query',
    text: GOOD.replace('volly.orchid.example', 'volly.orchid.example/?a=1'),
    problems: [
      '4:15: gateway.public_url found "wss://volly.orchid.example/?a=1"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only); did you mean wss://volly.orchid.example/?',
    ],
  },
  {
    name: 'a port that no address has',
    text: GOOD.replace('volly.orchid.example', 'volly.orchid.example:99999'),
    problems: [
      '4:15: gateway.public_url found "wss://volly.orchid.example:99999"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only)',
    ],
  },
  {
    name: 'too wide a network',
    text: `${GOOD}  trusted_proxies: [10.0.0.0/33]\n`,
    problems: ['5:21: gateway.trusted_proxies.0 found "10.0.0.0/33"; allowed is an IP address or a network, as 10.0.0.0/8'],
  },
  {
    name: 'a name for a proxy',
    text: `${GOOD}  trusted_proxies: [proxy.example]\n`,
    problems: ['5:21: gateway.trusted_proxies.0 found "proxy.example"; allowed is an IP address or a network, as 10.0.0.0/8'],
  },
  // words
  {
    name: 'yes for true',
    text: `${GOOD}  legacy: yes\n`,
    problems: ['5:11: gateway.legacy found "yes"; allowed is true or false; did you mean true?'],
  },
  {
    name: 'a number for true',
    text: `${GOOD}  legacy: 1\n`,
    problems: ['5:11: gateway.legacy found 1; allowed is true or false; did you mean true?'],
  },
  {
    name: 'true in quotes',
    text: `${GOOD}  legacy: "true"\n`,
    problems: ['5:11: gateway.legacy found "true"; allowed is true or false; did you mean true, without quotes?'],
  },
  {
    name: 'an unknown word',
    text: `${GOOD}logging: {level: verbose}\n`,
    problems: ['5:18: logging.level found "verbose"; allowed is error, warn, info or debug'],
  },
  {
    name: 'another program’s word',
    text: `${GOOD}logging: {level: warning}\n`,
    problems: ['5:18: logging.level found "warning"; allowed is error, warn, info or debug; did you mean warn?'],
  },
  {
    name: 'a word in upper case',
    text: `${GOOD}logging: {level: INFO}\n`,
    problems: ['5:18: logging.level found "INFO"; allowed is error, warn, info or debug; did you mean info?'],
  },
  {
    name: 'a variable to be filled in',
    text: `${GOOD}logging:\n  level: \${LEVEL}\n`,
    problems: [
      `6:10: logging.level found "\${LEVEL}"; allowed is error, warn, info or debug; nothing is filled in here, but VOLLY_LOGGING__LEVEL wins over this file`,
    ],
  },
  {
    name: 'a template',
    text: `${GOOD}logging: {level: {{ level }}}\n`,
    problems: ['5:11: logging.level found a section; allowed is error, warn, info or debug'],
  },
  {
    name: 'a number for text',
    text: `${GOOD}appservice: {id: 7}\n`,
    problems: ['5:18: appservice.id found 7; allowed is 1 to 64 of A-Z a-z 0-9 . _ -; did you mean "7"?'],
  },
  {
    name: 'a list for a section',
    text: `${GOOD}keys: [a]\n`,
    problems: ['5:7: keys found a list; allowed is a section with path'],
  },
  {
    name: 'true for a section',
    text: `${GOOD}  tls: true\n`,
    problems: ['5:8: gateway.tls found true; allowed is a section with certificate, key'],
  },
];
