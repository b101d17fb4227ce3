import { describe, expect, it } from 'vitest';
import { reviewAnswer } from '../../../src/containers/programs/webhook-rules.js';

const review = (metadata: object): object => ({
  request: { uid: 'u', operation: 'CREATE', namespace: 'default', name: 'x', object: { metadata } },
});

describe('the sample webhook', () => {
  it('denies by a label', () => {
    const { status, body, log } = reviewAnswer(
      '/validate?timeout=5s',
      review({ labels: { 'konnsim/deny': 'true' } }),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      response: { uid: 'u', allowed: false, status: { code: 403, reason: 'Forbidden' } },
    });
    expect(log).toBe('/validate CREATE default/x: denied');
  });

  it.each([
    [
      {},
      [
        { op: 'add', path: '/metadata/labels', value: {} },
        { op: 'add', path: '/metadata/labels/konnsim~1admitted', value: 'true' },
      ],
    ],
    [{ labels: { a: 'b' } }, [{ op: 'add', path: '/metadata/labels/konnsim~1admitted', value: 'true' }]],
  ])('marks an object whose metadata is %o', (metadata, operations) => {
    const { response } = reviewAnswer('/mutate', review(metadata)).body as { response: { patch: string } };
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(operations);
  });

  it('does not change pods that have the label or will be denied', () => {
    for (const label of ['konnsim/admitted', 'konnsim/deny']) {
      const { body } = reviewAnswer('/mutate', review({ labels: { [label]: 'true' } }));
      expect(body).toMatchObject({ response: { allowed: true } });
      expect(body).not.toHaveProperty('response.patch');
    }
  });

  it('accepts only its two paths and only reviews', () => {
    expect(reviewAnswer('/other', review({})).status).toBe(404);
    expect(() => reviewAnswer('/validate', { hello: 'world' })).toThrow('not an AdmissionReview');
    expect(() => reviewAnswer('/validate', null)).toThrow('not an AdmissionReview');
  });
});
