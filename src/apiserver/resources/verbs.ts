/** Verbs of subresources that are read and written like objects. */
export const partVerbs = ['get', 'patch', 'update'] as const;

/** What can be done to objects that are stored. */
export const allVerbs = [
  ...['create', 'delete', 'deletecollection', 'get'],
  ...['list', 'patch', 'update', 'watch'],
] as const;
