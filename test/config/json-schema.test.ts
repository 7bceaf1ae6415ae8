/** What editors are told about the configuration agrees with what the bridge checks. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { readDocument } from '../../src/config/document.ts';
import { sampleConfig } from '../../src/config/sample.ts';
import { GOOD } from './mistakes/mistake.ts';
import { NAMES } from './mistakes/names.ts';
import { SHAPE } from './mistakes/shape.ts';
import { VALUES } from './mistakes/values.ts';

const root = new URL('../../', import.meta.url);
const named = /^# yaml-language-server: \$schema=(.*)$/m.exec(sampleConfig())?.[1] ?? '';

/** Rules over two options, and numbers within text: no schema of one option can say these. */
const BEYOND = [
  'a port that no address has',
  'too wide a network',
  'one token’s file without the other',
  'a carrier twice',
  'one port for two listeners',
  'one port for two listeners, where the other one is written',
  'one port, once for every address',
  'one file for two things',
  'a server both allowed and denied',
];

describe('the JSON Schema of the configuration', () => {
  const validate = new Ajv({ strict: true, allErrors: true }).compile(JSON.parse(readFileSync(new URL(named, root), 'utf8')));

  it('is where the sample says', () => {
    assert.equal(named, './docs/config.schema.json');
    assert.ok(existsSync(new URL(named, root)));
  });

  it('takes the sample, also with what is commented out, and the least there can be', () => {
    const whole = sampleConfig()
      .replaceAll(/^ {2}# (tls:| {2}\w+: )/gm, '  $1')
      .replaceAll(/^ {2}# (\w+_file: )/gm, '  $1');
    assert.notEqual(whole, sampleConfig());
    for (const text of [sampleConfig(), whole, GOOD]) assert.ok(validate(parse(text)), JSON.stringify(validate.errors));
  });

  it('refuses every mistake that the bridge refuses, but those that no schema of one option shows', () => {
    const values = [...NAMES, ...VALUES, ...SHAPE].flatMap(({ name, text }) => {
      const read = readDocument(text, 'config.yaml');
      return 'value' in read ? [{ name, value: read.value }] : [];
    });
    assert.ok(values.length > 60);
    const taken = values.filter(({ value }) => validate(value));
    assert.deepEqual(taken.map(({ name }) => name).sort(), [...BEYOND].sort());
  });

  it('tells the editor what each option is for and what is allowed', () => {
    const unexplained: string[] = [];
    const look = (schema: { description?: string; properties?: object; items?: object }, path: string): void => {
      if (!schema.description?.includes('Allowed: ')) unexplained.push(path);
      for (const [name, child] of Object.entries(schema.properties ?? {})) look(child, `${path}.${name}`);
      if (schema.items) look(schema.items, `${path}[]`);
    };
    const { properties } = validate.schema as { properties: Record<string, object> };
    for (const [name, section] of Object.entries(properties)) look(section, name);
    assert.deepEqual(unexplained, []);
  });
});
