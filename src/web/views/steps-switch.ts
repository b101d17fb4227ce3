import { signal } from '@preact/signals';

/** Whether the steps of a request are shown as a table. */
export const asTable = signal(false);
