/**
 * One HTTP request, and if it fails, why: the bridge's own client turns failures into what a retry needs, and a doctor wants the failure
 * itself. Follows no redirect, since that would carry a token to wherever it points.
 */
import { type IncomingMessage, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type NetworkTrouble, networkTrouble } from './network.ts';

const TIMEOUT_MS = 10_000;
/** What is asked for is a few kilobytes; the inbox is more. */
const MAX_BYTES = 1_000_000;

export interface Ask {
  readonly method?: 'GET' | 'PUT' | 'POST';
  readonly token?: string;
  /** JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Where to connect and what name the certificate must have, where it is not the URL's (federation). */
  readonly connectTo?: { readonly host: string; readonly port: number; readonly name: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** `{}` for what is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly isJson: boolean;
  /** With TLS: when the certificate ends, Unix ms. */
  readonly certificateEnds?: number;
  /** From the request to the whole answer. */
  readonly ms: number;
}

export type Asked = Answer | NetworkTrouble;

export function ask(
  url: string,
  { method = 'GET', token, body, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, connectTo }: Ask = {},
): Promise<Asked> {
  const started = performance.now();
  const at = new URL(url);
  return new Promise((resolve) => {
    const outgoing = (at.protocol === 'https:' ? secure : plain)(at, {
      method,
      agent: false,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(connectTo === undefined ? {} : { host: at.host }),
      },
      ...(connectTo === undefined ? {} : { host: connectTo.host, port: connectTo.port, servername: nameOf(connectTo.name) }),
    });
    const timer = setTimeout(() => outgoing.destroy(Object.assign(new Error(), { code: 'NO_ANSWER' })), timeoutMs);
    const end = (asked: Asked): void => {
      clearTimeout(timer);
      resolve(asked);
    };
    outgoing.on('error', (error) => end(networkTrouble(error, at.protocol === 'https:')));
    // An answer that goes over to another protocol is told of in no other way. After everything else it says nothing new.
    outgoing.on('close', () => end({ trouble: 'cut', reason: 'CLOSED' }));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const certificate = certificateOf(response);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) outgoing.destroy(Object.assign(new Error(), { code: 'TOO_LARGE' }));
        else chunks.push(chunk);
      });
      response.on('error', (error) => end(networkTrouble(error, false)));
      response.on('end', () => {
        const { json, isJson } = parse(Buffer.concat(chunks).toString('utf8'));
        const { statusCode = 0, headers } = response;
        const ms = Math.round(performance.now() - started);
        end({ status: statusCode, headers, json, isJson, ...certificate, ms });
      });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Read while the socket is open. */
export function certificateOf({ socket }: IncomingMessage): Pick<Answer, 'certificateEnds'> {
  const ends = (socket as Partial<TLSSocket>).getPeerCertificate?.().valid_to;
  return ends === undefined ? {} : { certificateEnds: Date.parse(ends) };
}

/** RFC 6066: no address may stand in a TLS server name. */
const nameOf = (name: string): string => (/^[\d.]+$|:/.test(name) ? '' : name);

function parse(text: string): Pick<Answer, 'json' | 'isJson'> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { json: value as Record<string, unknown>, isJson: true };
  } catch {}
  return { json: {}, isJson: false };
}

/** `403 M_FORBIDDEN`, for a line. What an answer says in words may hold anything and is not shown. */
export function said({ status, json }: Answer): string {
  const errcode = json['errcode'];
  return typeof errcode === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(errcode) ? `${status} ${errcode}` : String(status);
}
