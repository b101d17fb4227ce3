import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { type AllDoors, type Door, filesOf, openAllDoors } from '../support/all-doors.js';
import { type Shown, type Visit, visitDoor } from '../support/door-visit.js';

let all: AllDoors;
let strangers: CertificateSet;

beforeAll(async () => {
  const [certificates, others] = await Promise.all([createCertificateSet(), createCertificateSet()]);
  strangers = others;
  all = await openAllDoors({ certificates, clock: createRealClock() });
});
afterAll(() => all.close());

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const tlsDoors = (): Door[] => all.doors.filter(({ tls }) => tls !== undefined);
const own = ({ tls }: Door): Shown => ({ cert: tls?.client.cert ?? '', key: tls?.client.key ?? '' });
const turnedAway = ({ tls }: Door): string => (tls?.demanding === true ? 'no byte' : 'stranger');

/** The welcome at every TLS door, as `door: welcome`. */
async function everywhere(visit: (door: Door) => Promise<Visit>): Promise<string[]> {
  const lines: string[] = [];
  for (const door of tlsDoors()) lines.push(`${door.name}: ${(await visit(door)).welcome}`);
  return lines;
}

const each = (welcome: (door: Door) => string): string[] =>
  tlsDoors().map((door) => `${door.name}: ${welcome(door)}`);

describe.each(versions)('at every port with %s', (version) => {
  it('a client with its certificate is known', async () => {
    expect(await everywhere((door) => visitDoor(door, { ...own(door), version }))).toEqual(
      each(() => 'known'),
    );
  });

  it('a client without a certificate stays a stranger when it takes up its session', async () => {
    const twice = async (door: Door): Promise<Visit> => {
      const { session } = await visitDoor(door, { version });
      return visitDoor(door, { version, session });
    };
    expect(await everywhere(twice)).toEqual(each(turnedAway));
  });

  it('a client with a certificate of another CA stays a stranger when it takes up its session', async () => {
    const { cert, key } = filesOf(strangers, 'admin');
    const twice = async (door: Door): Promise<Visit> => {
      const { session } = await visitDoor(door, { cert, key, version });
      return visitDoor(door, { cert, key, version, session });
    };
    expect(await everywhere(twice)).toEqual(each(turnedAway));
  });

  it('a session alone does not prove a certificate', async () => {
    const lent = async (door: Door): Promise<Visit> => {
      const { session } = await visitDoor(door, { ...own(door), version });
      return visitDoor(door, { version, session });
    };
    expect(await everywhere(lent)).toEqual(each(turnedAway));
  });

  it('a client with a certificate is known with its session as well', async () => {
    const twice = async (door: Door): Promise<Visit> => {
      const { session } = await visitDoor(door, { ...own(door), version });
      return visitDoor(door, { ...own(door), version, session });
    };
    expect(await everywhere(twice)).toEqual(each(() => 'known'));
  });

  it('a session of one port opens no other', async () => {
    for (const from of tlsDoors()) {
      const { session } = await visitDoor(from, { ...own(from), version });
      const elsewhere = await everywhere((door) => visitDoor(door, { version, session }));
      expect(elsewhere, `with a session of ${from.name}`).toEqual(each(turnedAway));
    }
  });

  it('no port resumes a session, as that would pass over the check of the certificate', async () => {
    for (const door of tlsDoors()) {
      const { session } = await visitDoor(door, { ...own(door), version });
      const again = await visitDoor(door, { ...own(door), version, session });
      expect(again.resumed, door.name).toBe(false);
    }
  });
});
