import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { everybody, runsOf, waitsOf, waitWords } from './waits.ts';

describe('how long those who take part waited for a core', () => {
  it('names the longest first, and nobody below zero', () => {
    const from = new Map([
      ['etcd', 5],
      ['kube-apiserver', 100],
    ]);
    const to = new Map([
      ['etcd', 17.4],
      ['kube-apiserver', 220],
      ['controller.js', 3],
    ]);
    assert.equal(waitWords(from, to), 'kube-apiserver 120 ms, etcd 12 ms, controller.js 3 ms');
  });

  it('adds up all processes of a name, and counts nothing for one that has ended', () => {
    const own = { name: 'controller.js', pid: process.pid };
    const [once = 0] = waitsOf([own]).values();
    const [twice = 0] = waitsOf([own, own]).values();
    assert.ok(once > 0 && twice >= 2 * once, `${once}, ${twice}`);
    assert.deepEqual([...waitsOf([{ name: 'etcd', pid: 2 ** 22 + 1 }])], [['etcd', 0]]);
  });

  it('is said of so many, the longest ones', () => {
    const to = new Map([
      ['etcd', 1],
      ['kubelet', 2],
    ]);
    assert.equal(waitWords(new Map(), to, 1), 'kubelet 2 ms');
  });

  it('is said beside who had a core, by the file of a program of Node.js', () => {
    const own = everybody().find(({ pid }) => pid === process.pid);
    assert.ok(own);
    assert.match(own.name, /\.[jt]s$|mocha/);
    assert.ok((runsOf([own]).get(own.name) ?? 0) > 0);
  });
});
