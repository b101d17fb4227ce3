/** Verbs of subresources that are read and written like the object. */
export const partVerbs = ['get', 'patch', 'update'] as const;

/** Verbs of stored objects. */
export const allVerbs = [
  ...['create', 'delete', 'deletecollection', 'get'],
  ...['list', 'patch', 'update', 'watch'],
] as const;
