/**
 * Checks the public API in dist/: every declaration that an entry of the package exports, and each of its members, has a
 * docstring, and every type that their signatures name is exported by one of them, too. Fields that Kubernetes documents
 * need no docstring here.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from '@swc/core';
import { typeEntries } from './entries.mjs';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const kubernetesFields = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
const files = new Map();
const declarations = typeEntries.flatMap(declarationsOf);
const memberName = ({ type, key }) => key?.value ?? key?.expression?.property?.value ?? type;
const exported = new Set(declarations.map(({ file, name }) => `${file.path} ${name}`));
const problems = [...new Set(declarations.flatMap(problemsOf))];

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`api: ${declarations.length} exports, all with docstrings`);

/** What an entry exports: names from other files, and its own declarations. */
function declarationsOf(entry) {
  const file = readFile(entry);
  const named = file.exports.map(({ origin, typeOnly }) => ({ ...find(origin), typeOnly }));
  return [...named, ...file.own.map((name) => find({ source: entry, name }))];
}

/** Reads what a file declares, and where its imports and re-exports come from. */
function readFile(path) {
  const known = files.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(path);
  const file = { path, text, declared: new Map(), imported: new Map(), exports: [], own: [] };
  files.set(path, file);
  for (const item of parseSync(text.toString(), { syntax: 'typescript' }).body) {
    const from = item.source?.value;
    const source = from?.startsWith('.') ? resolve(dirname(path), from.replace(/\.js$/, '.d.ts')) : undefined;
    const specifiers = from === undefined ? [] : (item.specifiers ?? []);
    for (const { local, imported, orig, exported: as, isTypeOnly } of specifiers) {
      const origin = { source, name: (imported ?? orig ?? local).value };
      if (orig === undefined) file.imported.set(local.value, origin);
      else file.exports.push({ name: (as ?? orig).value, origin, typeOnly: item.typeOnly || isTypeOnly });
    }
    const node = item.declaration ?? item;
    for (const { id, identifier = id } of node.declarations ?? [node]) {
      // The first overload of a function has the docstring.
      if (identifier === undefined || file.declared.has(identifier.value)) continue;
      file.declared.set(identifier.value, { node, span: item.span });
      if (item.type === 'ExportDeclaration') file.own.push(identifier.value);
    }
  }
  return file;
}

function find({ source, name }) {
  const file = readFile(source);
  const again = file.exports.find((entry) => entry.name === name);
  return again === undefined ? { file, name, ...file.declared.get(name) } : find(again.origin);
}

function problemsOf({ file, name, node, span, typeOnly }) {
  const where = `${relative(dist, file.path)}: ${name}`;
  const members = publicMembers(node, typeOnly);
  // One docstring is enough for all overloads of a method.
  const documented = new Set(members.filter((member) => hasDocstring(file, member.span)).map(memberName));
  const names = members.map(memberName).filter((member) => !isKubernetes(file, member));
  const bare = names.filter((member) => !documented.has(member)).map((member) => `${where}.${member}`);
  if (!hasDocstring(file, span)) bare.unshift(where);
  const used = [
    ...namesIn(node.type === 'ClassDeclaration' ? [...members, node.superClass, node.implements] : node),
  ];
  const hidden = used.filter((type) => isHidden(file, type));
  return [
    ...bare.map((what) => `${what} has no docstring`),
    ...hidden.map((type) => `${where} uses ${type}, which is not exported`),
  ];
}

/** The members of a class, an interface or an object type. A class that is exported as a type cannot be constructed. */
function publicMembers(node, typeOnly) {
  if (node.type === 'ClassDeclaration') {
    const shown = node.body.filter(({ accessibility }) => accessibility !== 'private');
    return typeOnly ? shown.filter(({ type }) => type !== 'Constructor') : shown;
  }
  if (node.type === 'TsInterfaceDeclaration') return node.body.body;
  return node.type === 'TsTypeAliasDeclaration' ? literalMembers(node.typeAnnotation) : [];
}

/** The members of an object type, or of those in a union or an intersection. */
function literalMembers({ types, typeAnnotation, members }) {
  if (types !== undefined) return types.flatMap(literalMembers);
  return typeAnnotation?.type === undefined ? (members ?? []) : literalMembers(typeAnnotation);
}

function isKubernetes({ path }, member) {
  return relative(dist, path).startsWith('kube/') || kubernetesFields.has(member);
}

/** Spans count bytes from 1. */
function hasDocstring({ text }, { start }) {
  const before = text.toString('utf8', 0, start - 1).trimEnd();
  return before.endsWith('*/') && before.startsWith('/**', before.lastIndexOf('/*'));
}

/** The names of types anywhere in a tree. `typeof` of a value names no type. */
function* namesIn(node) {
  if (node === null || typeof node !== 'object') return;
  if (node.type === 'TsTypeReference') yield leftmost(node.typeName);
  if (node.type === 'TsExpressionWithTypeArguments') yield leftmost(node.expression);
  for (const child of Object.values(node)) yield* namesIn(child);
}

function leftmost(name) {
  return name.type === 'TsQualifiedName' ? leftmost(name.left) : name.value;
}

/** True for a name of this package that is not exported. Names of Node, of packages and of type parameters pass. */
function isHidden(file, name) {
  const origin = file.imported.get(name) ?? (file.declared.has(name) ? { source: file.path, name } : {});
  const found = origin.source === undefined ? undefined : find(origin);
  return found !== undefined && !exported.has(`${found.file.path} ${found.name}`);
}
