import type { EventBody } from '../core/events.js';
import type { FaultPlan } from './fault-plan.js';

/** Makes a test for the events at which a fault begins. */
export function eventTest(when: FaultPlan['when']): (event: EventBody) => boolean {
  if (typeof when !== 'object' || !('event' in when)) return () => false;
  const fields = Object.entries(when.fields ?? {});
  return (event) =>
    event.kind === when.event && fields.every(([name, value]) => Reflect.get(event, name) === value);
}
