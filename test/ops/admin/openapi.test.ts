import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import { drifted } from '../../../src/config/generate.ts';
import { ERRORS } from '../../../src/errors.ts';
import { openApi } from '../../../src/ops/admin/openapi.ts';
import { OPERATIONS } from '../../../src/ops/admin/operations.ts';

describe('the admin API’s document', () => {
  const document = JSON.parse(openApi());

  it('is what the code makes (npm run generate)', () => {
    assert.deepEqual(drifted({ 'docs/admin.openapi.json': openApi() }), []);
  });

  it('is OpenAPI 3.1, by its own schema, and so is nothing that lacks a piece', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
    const broken = structuredClone(document);
    delete broken.paths['/status'].get.responses['200'].description;
    assert.equal((await new Validator().validate(broken)).valid, false);
  });

  it('has every operation, with a description of each parameter and the codes that it refuses with', () => {
    for (const { name, method, path, errors } of OPERATIONS) {
      const described = document.paths[path][method.toLowerCase()];
      assert.equal(described.operationId, name.replace(' ', '_'));
      for (const parameter of described.parameters ?? []) assert.ok(parameter.description, `${name} ${parameter.name}`);
      const refs = Object.values(described.responses).map((response) => (response as { $ref?: string }).$ref);
      const said = refs.flatMap((ref) => ref?.split('/').at(-1)?.split('.') ?? []);
      for (const code of [...errors, 'wrong_admin_token', 'bad_request']) assert.ok(said.includes(code), `${name} ${code}`);
      for (const code of said) assert.ok(Object.hasOwn(ERRORS, code), code);
      for (const ref of refs) if (ref) assert.ok(document.components.responses[ref.split('/').at(-1)!], ref);
    }
  });

  it('names nobody’s machine', () => {
    assert.doesNotMatch(openApi(), /\/work|\/root|\/tmp/);
  });
});
