import { readFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';

const TIMEOUT_MS = 5_000;

/**
 * Whether a server answers a GET with 200. Without keep-alive, since the next server on the port may be another. `ca`: path of
 * the authority that must have signed its certificate.
 */
export async function answers(url: string, ca?: string): Promise<boolean> {
  const options = { agent: false, family: 4, timeout: TIMEOUT_MS } as const;
  const request = ca === undefined ? http.get(url, options) : https.get(url, { ...options, ca: await readFile(ca) });
  return new Promise((resolve) => {
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
