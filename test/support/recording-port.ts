import type { Packet } from '../../src/core/packet.js';
import type { ClosablePort } from '../../src/core/port.js';

/** A stream that keeps what a machine sends, and is as full as the test says. */
export class RecordingPort implements ClosablePort {
  readonly sent: Packet[] = [];
  congested = false;
  takenBytes = 0;
  finished = 0;
  cancelled = 0;
  leftBacklog = false;
  private waiting: (() => void)[] = [];

  send(packet: Packet): void {
    this.sent.push(packet);
  }

  whenClear(resume: () => void): void {
    this.waiting.push(resume);
  }

  finish(): void {
    this.finished += 1;
  }

  cancel(): void {
    this.cancelled += 1;
  }

  leaveBacklog(): void {
    this.leftBacklog = true;
  }

  /** Makes room: whoever waited is woken. */
  clear(): void {
    this.congested = false;
    const woken = this.waiting;
    this.waiting = [];
    for (const resume of woken) resume();
  }

  /** What was sent since the last look, one text per packet. */
  take(): string[] {
    return this.sent.splice(0).map(packetText);
  }
}

/** `CLOSE_RSP 1 Unknown connectID`, `DATA 1 hello`, `DIAL_REQ 7 host:1`. */
export function packetText(packet: Packet): string {
  switch (packet.kind) {
    case 'DIAL_REQ':
      return `DIAL_REQ ${packet.dialId} ${packet.address}`;
    case 'DIAL_RSP':
      return `DIAL_RSP ${packet.dialId} ${packet.error === '' ? `ok ${packet.connectId}` : packet.error}`;
    case 'CLOSE_REQ':
      return `CLOSE_REQ ${packet.connectId}`;
    case 'CLOSE_RSP':
      return `CLOSE_RSP ${packet.connectId} ${packet.error}`.trim();
    case 'DATA':
      return `DATA ${packet.connectId} ${Buffer.from(packet.data).toString()}`;
    case 'DIAL_CLS':
      return `DIAL_CLS ${packet.dialId}`;
    case 'DRAIN':
      return 'DRAIN';
    case 'WINDOW_UPDATE':
      return `WINDOW_UPDATE ${packet.connectId} ${packet.credit}`;
    case 'HELD':
      return `HELD ${packet.connectIds.join(' ')}`;
    case 'UNKNOWN':
      return `UNKNOWN ${packet.type}`;
  }
}
