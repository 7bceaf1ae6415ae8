/**
 * F5: about a third of what both homeservers answer to /sync is lost or cut short, and some answers come twice. This is how things are, no
 * outage: nothing may fail for it.
 */
import type { Scenario } from '../scenario.ts';
import { type HomeserverProxy, type Rule, startHomeserverProxy } from '../tools/homeserver-proxy.ts';

const EVENTS = { short: 1_000, long: 5_000 };
const PATIENCE_MS = 600_000;
const SHARES = { lose: 0.15, cut: 0.15, repeat: 0.15 };

const RULES: readonly Rule[] = (['lose', 'cut', 'repeat'] as const).map((what) => ({
  of: ['sync'],
  share: SHARES[what],
  fault: { do: what },
}));

let proxies: HomeserverProxy[] = [];

export const scenario: Scenario = {
  id: 'F5',
  title: '30 % of the homeservers’ /sync answers lost or cut short, others repeated',
  async world({ random }) {
    proxies = [];
    const homeserver = async (target: number) => {
      const proxy = await startHomeserverProxy(target, random);
      proxies.push(proxy);
      return proxy;
    };
    return { ways: { a: { homeserver }, b: { homeserver } } };
  },
  async run(scene, { form, progress }) {
    await scene.load();
    for (const proxy of proxies) proxy.rules = RULES;
    let arrived = 0;
    const enough = await scene.watch.until((lines) => {
      const before = arrived;
      arrived = lines.reduce((sum, { k }) => sum + (k === 'got' ? 1 : 0), 0);
      if (Math.floor(arrived / 500) > Math.floor(before / 500)) progress(`${arrived} envelopes`);
      return arrived >= EVENTS[form];
    }, PATIENCE_MS);
    const faults = sumOf('lose') + sumOf('cut');
    const answers = proxies.reduce((sum, { tally }) => sum + (tally.requests.get('sync') ?? 0), 0);
    return {
      bounds: [{ what: 'envelopes missing of those to arrive', value: enough ? 0 : EVENTS[form] - arrived, atMost: 0, unit: '' }],
      notes: [
        `${arrived} envelopes arrived (long form: ${EVENTS.long})`,
        `of ${answers} answers to /sync ${faults} lost or cut, ${sumOf('repeat')} repeated`,
      ],
    };
  },
};

const sumOf = (fault: string): number => proxies.reduce((sum, { tally }) => sum + (tally.faults.get(fault) ?? 0), 0);
