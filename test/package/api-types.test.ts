import type { Duplex } from 'node:stream';
import { describe, expectTypeOf, it } from 'vitest';
import {
  type ErrorCode,
  type ExecOutcome,
  type errorTable,
  type Lab,
  type LabEvent,
  type LifecycleEvent,
  type PacketEvent,
  type PodTarget,
  type PortForward,
  startLab,
  TunnelError,
} from '../../src/index.js';

/** Never called: the compiler reads it (`npm run typecheck`). */
declare const lab: Lab;
declare const event: LabEvent;

describe('the types of the public API', () => {
  it('startLab takes options that exist, and gives a lab that disposes of itself', () => {
    expectTypeOf(startLab).returns.resolves.toEqualTypeOf<Lab>();
    expectTypeOf(startLab).toBeCallableWith();
    expectTypeOf(startLab).toBeCallableWith({ nodes: 2, strategies: ['destHost'], seed: 1 });
    expectTypeOf<Lab>().toExtend<AsyncDisposable>();
    // @ts-expect-error no such strategy
    void (() => startLab({ strategies: ['nearest'] }));
    // @ts-expect-error no such option
    void (() => startLab({ node: 2 }));
  });

  it('exec, logs, portForward and dial', () => {
    expectTypeOf<Lab['exec']>().returns.resolves.toEqualTypeOf<ExecOutcome>();
    expectTypeOf<Lab['exec']>().parameter(0).toEqualTypeOf<PodTarget>();
    expectTypeOf<ExecOutcome['exitCode']>().toEqualTypeOf<number>();
    expectTypeOf<ExecOutcome['stdout']>().toEqualTypeOf<string>();
    expectTypeOf<Lab['logs']>().returns.toEqualTypeOf<AsyncGenerator<Uint8Array>>();
    expectTypeOf<Lab['portForward']>().returns.resolves.toEqualTypeOf<PortForward>();
    expectTypeOf<PortForward['port']>().toEqualTypeOf<number>();
    expectTypeOf<Lab['dial']>().returns.resolves.toEqualTypeOf<Duplex>();
    // @ts-expect-error a command is a list of words
    void (() => lab.exec('web-1', 'ls -l'));
    // @ts-expect-error a port is a number
    void (() => lab.dial('10.0.1.11', '10250'));
  });

  it('an error has one of the codes of the table', () => {
    expectTypeOf<TunnelError['code']>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<ErrorCode>().toEqualTypeOf<keyof typeof errorTable>();
    // @ts-expect-error no such code
    void (() => new TunnelError('LOST', 'gone'));
  });

  it('an event is known by its kind', () => {
    expectTypeOf<Lab['events']>().returns.toEqualTypeOf<readonly LabEvent[]>();
    void (() => {
      if (event.kind === 'packet') expectTypeOf(event).toExtend<PacketEvent>();
      if (event.kind === 'agent.connected') expectTypeOf(event).toExtend<LifecycleEvent>();
      // @ts-expect-error only packets have bytes
      if (event.kind === 'agent.connected') void event.bytes;
    });
  });

  it('expectEvents gives the events of the kinds that were asked for', () => {
    void (async () => {
      const [packet, retry] = await lab.expectEvents([
        { kind: 'packet', packet: 'DIAL_REQ' },
        { kind: 'agent.retry', node: 'agent/*' },
      ]);
      expectTypeOf(packet).toExtend<PacketEvent>();
      expectTypeOf(retry).toHaveProperty('delayMs');
      // @ts-expect-error no such field
      void lab.expectEvents([{ kind: 'packet', colour: 'red' }]);
      // @ts-expect-error no such order
      void lab.expectEvents([{ kind: 'packet' }], { order: 'random' });
    });
  });

  it('waitFor gives the event of the kind that was asked for', () => {
    void (() => {
      expectTypeOf(lab.waitFor({ kind: 'packet', packet: 'DIAL_REQ' })).resolves.toExtend<PacketEvent>();
      expectTypeOf(lab.waitFor({ kind: 'agent.retry' })).resolves.toHaveProperty('delayMs');
      expectTypeOf(lab.waitFor((seen) => seen.node === 'lab/main')).resolves.toEqualTypeOf<LabEvent>();
      // @ts-expect-error no such kind
      void lab.waitFor({ kind: 'agent.lost' });
      // @ts-expect-error no such field
      void lab.waitFor({ kind: 'packet', colour: 'red' });
    });
  });
});
