/** One entry of an Accept header. Kubernetes clients list the best first, without weights. */
interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The form in which to show an object. `meta` is the API version of the form, `v1` or `v1beta1`. */
export type Presentation =
  | { readonly form: 'object' }
  | { readonly form: 'table' | 'metadata'; readonly meta: 'v1' | 'v1beta1' };

function parseAccept(header: string | undefined): readonly MediaRange[] {
  return (header ?? '').split(',').flatMap((range) => {
    const [type = '', ...rest] = range.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((parameter) => {
        const [name = '', value = ''] = parameter.split('=');
        return [name.toLowerCase(), value] as const;
      }),
    );
    return type === '' ? [] : [{ type: type.toLowerCase(), parameters }];
  });
}

function isJson(range: MediaRange): boolean {
  return ['application/json', 'application/*', '*/*'].includes(range.type);
}

/** The first form in the header that we support; undefined when there is no such form (406). */
export function choosePresentation(header: string | undefined): Presentation | undefined {
  const ranges = parseAccept(header);
  if (ranges.length === 0) return { form: 'object' };
  for (const range of ranges.filter(isJson)) {
    const presentation = presentationOf(range);
    if (presentation !== undefined) return presentation;
  }
  return undefined;
}

function presentationOf(range: MediaRange): Presentation | undefined {
  const as = range.parameters.get('as');
  if (as === undefined) return { form: 'object' };
  const version = range.parameters.get('v');
  if (range.parameters.get('g') !== 'meta.k8s.io') return undefined;
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  if (as === 'Table') return { form: 'table', meta: version };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
    return { form: 'metadata', meta: version };
  return undefined;
}

/** The version of aggregated discovery that the client prefers, or `legacy` for the plain documents. */
export function chooseDiscovery(header: string | undefined): 'v2' | 'v2beta1' | 'legacy' {
  for (const range of parseAccept(header).filter(isJson)) {
    const version = range.parameters.get('v');
    if (range.parameters.get('as') === 'APIGroupDiscoveryList') {
      const known = range.parameters.get('g') === 'apidiscovery.k8s.io';
      if (known && (version === 'v2' || version === 'v2beta1')) return version;
    } else return 'legacy';
  }
  return 'legacy';
}
