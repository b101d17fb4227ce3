/**
 * Which folder of src may import which. A folder may import those of lower ranks and itself, not its own rank: roles
 * do not know each other, and neither do the tools they share.
 */
const ranks = [
  ['core'],
  ['kube', 'links', 'pki', 'observe', 'wire', 'streams'],
  ['containers'],
  ['server', 'agent', 'kubelet-stub', 'apiserver'],
  ['lab'],
  ['scenario'],
  ['control'],
  ['cli', 'dropin', 'testing', 'web'],
];

/**
 * Exceptions among equals: TLS errors have one wording; files are read in one way; the kubelet's gRPC calls speak in
 * the types of streams; a middlebox's counts are metrics; programs share what serves any. `konnsim lint` reads flags as
 * the drop-ins do; the rule below keeps all else of cli away from them.
 */
const siblings = {
  kube: ['wire', 'pki'],
  wire: ['streams'],
  observe: ['links'],
  dropin: ['cli'],
  cli: ['dropin'],
};

/** The same inside a folder: its rooms, lowest first. Files beside the rooms may import them all. */
const rooms = {
  apiserver: [
    ['resources'],
    ['request'],
    ['schema', 'discovery'],
    ['store', 'patch', 'ownership', 'http', 'openapi'],
    ['auth', 'kubelet', 'strategies'],
    ['cel', 'egress', 'streaming', 'write'],
    ['admission', 'controllers'],
    ['serving'],
    ['proxy'],
    ['routes'],
  ],
  wire: [['gen'], ['codec', 'net'], ['carrier', 'grpc'], ['client', 'connect']],
};

/** The library in it is shipped as a bundle, so it is not installed with the package. */
const bundled = '^src/containers/shell/bash-library\\.ts$';

/** Libraries that may change: each is known to one place only. */
const wrapped = {
  'prom-client': '^src/observe/metric-kit\\.ts$',
  pino: '^src/observe/event-log\\.ts$',
  '@peculiar/x509': '^src/pki/',
  'reflect-metadata': '^src/pki/',
  'just-bash': bundled,
  commander: '^src/cli/',
  hono: '^src/control/',
  '@hono/node-server': '^src/control/',
  vitest: '^src/testing/vitest\\.ts$',
};

/** The page runs in a browser: what it imports must not need node, and brings no more than events and types with it. */
const forPage =
  '^src/(web|core|observe|links)/|^src/control/(contract|requests-contract)\\.ts$|^node_modules/(preact|@preact|vite)/';
/** Bundled into `dist/web` by the build, so they are not installed with the package. */
const pageFiles = '^src/web/';

const anyOf = (folders) => `^src/(${folders.join('|')})/`;

const layerRules = ranks.flatMap((folders, rank) =>
  folders.map((folder) => {
    const reachable = [folder, ...(siblings[folder] ?? []), ...ranks.slice(0, rank).flat()];
    return {
      name: `layer-${folder}`,
      severity: 'error',
      comment: `src/${folder} may import ${reachable.join(', ')} and no other part of src`,
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: anyOf(reachable) },
    };
  }),
);

const roomRules = Object.entries(rooms).flatMap(([folder, floors]) => [
  {
    name: `known-room-${folder}`,
    severity: 'error',
    comment: `a new room of src/${folder} needs a rank in .dependency-cruiser.cjs`,
    from: { path: `^src/${folder}/[^/]+/`, pathNot: `^src/${folder}/(${floors.flat().join('|')})/` },
    to: {},
  },
  ...floors.flatMap((names, floor) =>
    names.map((name) => {
      const reachable = [name, ...floors.slice(0, floor).flat()];
      return {
        name: `room-${folder}-${name}`,
        severity: 'error',
        comment: `in src/${folder}, ${name} may import ${reachable.join(', ')} and no other room`,
        from: { path: `^src/${folder}/${name}/` },
        to: { path: `^src/${folder}/`, pathNot: `^src/${folder}/(${reachable.join('|')})/` },
      };
    }),
  ),
]);

const wrapperRules = Object.entries(wrapped).map(([library, home]) => ({
  name: `wrapped-${library.replace(/\W/g, '-')}`,
  severity: 'error',
  comment: `only ${home} may import ${library}`,
  from: { path: '^src/', pathNot: home },
  to: { path: `node_modules/${library}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    ...roomRules,
    ...wrapperRules,
    {
      name: 'known-folder',
      severity: 'error',
      comment: 'a new folder of src needs a rank in .dependency-cruiser.cjs',
      from: { path: '^src/[^/]+/', pathNot: anyOf(ranks.flat()) },
      to: {},
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment: 'core imports nothing: no library, not even node itself',
      from: { path: '^src/core/' },
      to: { pathNot: '^src/core/' },
    },
    {
      name: 'src-only',
      severity: 'error',
      comment: 'what is shipped must not import tests or scripts',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bin)/' },
    },
    {
      name: 'no-dev-dependency',
      severity: 'error',
      comment: 'what is shipped must not need a library that is not installed with it',
      from: { path: '^src/', pathNot: [bundled, pageFiles] },
      to: {
        dependencyTypes: ['npm-dev', 'npm-unknown', 'npm-no-pkg'],
        dependencyTypesNot: ['type-only', 'npm-peer'],
      },
    },
    {
      name: 'page-in-browser',
      severity: 'error',
      comment: 'the page imports what a browser can run',
      from: { path: pageFiles, pathNot: 'vite\\.config\\.ts$' },
      to: { pathNot: forPage },
    },
    {
      name: 'flags-for-lint',
      severity: 'error',
      comment: 'of cli, only lint may import dropin, and of it only what reads and checks flags',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/dropin/',
        pathNot:
          '^src/dropin/(flags/|command-line\\.ts|file-checks\\.ts|[^/]+/([^/]+-(flags|checks)|tls-limits)\\.ts)',
      },
    },
    {
      name: 'flags-for-lint-only',
      severity: 'error',
      comment: 'of cli, only lint may import dropin',
      from: { path: '^src/cli/', pathNot: '^src/cli/lint/' },
      to: { path: '^src/dropin/' },
    },
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'modules must not need each other, not even for their types',
      from: {},
      to: { circular: true },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // Its parser knows no JSX. The build of the page checks what these import (src/web/vite.config.ts).
    exclude: { path: '\\.tsx$' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Types obey the layers too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
