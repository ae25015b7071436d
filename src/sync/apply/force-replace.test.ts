import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import type { KubeObject } from '../../api/meta.ts';
import { systemClock } from '../../clock.ts';
import { resources } from '../../kube/index.ts';
import { deleteToRecreate } from './force-replace.ts';

describe('an object that is replaced by force', () => {
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'a' } };
  const setUp = () => {
    const server = createApiServer({ namespaces: ['shop'] });
    server.seed(resources.configMaps, object);
    const leading = new AbortController();
    const { client } = server;
    const ports = { client, writer: client, clock: systemClock, signal: leading.signal };
    return { server, leading, replace: () => deleteToRecreate(resources.configMaps, object, ports) };
  };

  it('is deleted while this process leads', async () => {
    const { server, replace } = setUp();
    await replace();
    assert.equal(server.get(resources.configMaps, 'shop', 'a'), undefined);
  });

  it('stays when another process leads by the time it is read', async () => {
    const { server, leading, replace } = setUp();
    server.fault = ({ verb }) => {
      if (verb === 'get') leading.abort(new Error('no longer the leader'));
      return undefined;
    };
    await assert.rejects(replace(), /no longer the leader/);
    assert.ok(server.get(resources.configMaps, 'shop', 'a'));
    assert.ok(!server.requests.some(({ verb }) => verb === 'delete'));
  });
});
