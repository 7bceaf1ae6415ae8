/**
 * A certificate authority for one run of test servers, and certificates of it for loopback (RFC 5280).
 *
 * Written by hand over node:crypto: this little DER needs no `openssl` on PATH (LibreSSL and OpenSSL differ in their options) and
 * no start of a Python interpreter, and the authority's private key never touches the disk. Real TLS stacks judge the result
 * in every test that federates.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface ServerCertificate {
  /** PEM of the certificate. */
  readonly certificate: string;
  /** PEM of its private key, PKCS #8. */
  readonly key: string;
}

export interface CertificateAbout {
  readonly host?: string;
  /** Until when, counted from now; less than none has expired. */
  readonly days?: number;
}

export interface TestAuthority {
  /** PEM of the authority's own certificate: what peers must trust. */
  readonly certificate: string;
  /** A certificate for `localhost`, 127.0.0.1 and ::1, or for the one host named; good for a year unless said otherwise. */
  issue(about?: CertificateAbout): ServerCertificate;
}

const DAY = 86_400_000;

/** Length octets, X.690 section 8.1.3, in the shortest form as DER wants it. */
function length(size: number): number[] {
  if (size < 0x80) return [size];
  return size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
}

/** One value: tag, length, contents. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag, ...length(body.length)), body]);
}

const sequence = (...items: Uint8Array[]): Buffer => der(0x30, ...items);
const octets = (bytes: Uint8Array): Buffer => der(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.of(unused), bytes);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
/** UTCTime, good until 2049. */
const time = (ms: number): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
const name = (common: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(common)))));
const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const keyId = (key: KeyObject): Buffer => createHash('sha256').update(spki(key)).digest().subarray(0, 20);

const TRUE = der(0x01, Buffer.of(0xff));
const critical = (id: string, value: Uint8Array): Buffer => sequence(oid(id), TRUE, octets(value));
const extension = (id: string, value: Uint8Array): Buffer => sequence(oid(id), octets(value));
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));

const EXTENSIONS_OF_AUTHORITY = [
  critical('551d13', sequence(TRUE)), // basicConstraints: a CA
  critical('551d0f', bits(Buffer.of(0x06), 1)), // keyUsage: signs certificates and revocation lists
];
const dnsName = (host: string): Buffer => der(0x82, Buffer.from(host));
const LOOPBACK = [
  dnsName('localhost'),
  der(0x87, Buffer.of(127, 0, 0, 1)),
  der(0x87, Buffer.from(`${'00'.repeat(15)}01`, 'hex')),
];
const extensionsOfServer = (names: readonly Buffer[]): Buffer[] => [
  critical('551d13', sequence()), // basicConstraints: no CA
  critical('551d0f', bits(Buffer.of(0x80), 7)), // keyUsage: digital signature
  extension('551d25', sequence(oid('2b06010505070301'))), // extendedKeyUsage: TLS server
  extension('551d11', sequence(...names)), // subjectAltName
];

interface Signer {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Begins a day before it ends, or a day back: clocks of containers. */
function certify(signer: Signer, subject: string, key: KeyObject, extensions: Buffer[], days = 365): string {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40; // positive, and no leading zero
  const now = Date.now();
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    name(signer.name),
    sequence(time(now + Math.min(0, days) * DAY - DAY), time(now + days * DAY)),
    name(subject),
    spki(key),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension('551d0e', octets(keyId(key))), // subjectKeyIdentifier
        extension('551d23', sequence(der(0x80, keyId(signer.publicKey)))), // authorityKeyIdentifier
      ),
    ),
  );
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign('sha256', toBeSigned, signer.privateKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

export function createAuthority(): TestAuthority {
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Named by its key, so that a store holding several authorities never picks one by a name they share.
  const pair = newKey();
  const authority: Signer = { name: `Volly test authority ${keyId(pair.publicKey).toString('hex').slice(0, 12)}`, ...pair };
  return {
    certificate: certify(authority, authority.name, pair.publicKey, EXTENSIONS_OF_AUTHORITY),
    issue({ host, days } = {}) {
      const { privateKey, publicKey } = newKey();
      const extensions = extensionsOfServer(host === undefined ? LOOPBACK : [dnsName(host)]);
      return {
        certificate: certify(authority, host ?? 'localhost', publicKey, extensions, days),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      };
    },
  };
}
