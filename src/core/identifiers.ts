/** The addresses and names that an agent serves (`agentidentifiers`), parsed from a URL query. */
export interface AgentIdentifiers {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly host: readonly string[];
  /** Parsed and kept, but not used by any strategy, as in Konnectivity. */
  readonly cidr: readonly string[];
  readonly defaultRoute: boolean;
}

/** Every event and metric of an agent contains its ID. Node names and UUIDs are far shorter. */
const maxAgentIdBytes = 1_024;

/** True when the ID fits a header and servers accept it. */
export function isAgentId(text: string): boolean {
  return text.length > 0 && text.length <= maxAgentIdBytes && /^[\x20-\x7e]+$/.test(text);
}

export const agentIdRule = `an agent ID of 1 to ${maxAgentIdBytes} characters`;

export const noIdentifiers: AgentIdentifiers = {
  ipv4: [],
  ipv6: [],
  host: [],
  cidr: [],
  defaultRoute: false,
};

const goTrue = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const knownTypes = new Set(['ipv4', 'ipv6', 'host', 'cidr', 'default-route']);

/** An error in an identifiers text, in Konnectivity's words. */
export interface IdentifierFault {
  readonly fault: string;
}

/**
 * Parses `host=node1&ipv4=1.2.3.4&default-route=true` as a server does: it ignores unknown types, and refuses a `;` or
 * a broken escape. Only the first `default-route` counts.
 */
export function parseAgentIdentifiers(text: string): AgentIdentifiers | IdentifierFault {
  const values = new Map<string, string[]>();
  for (const part of text.split('&')) {
    if (part === '') continue;
    if (part.includes(';'))
      return { fault: 'fail to parse url encoded string: invalid semicolon separator in query' };
    const pair = decodePair(part);
    if (typeof pair === 'string') return { fault: `fail to parse url encoded string: ${pair}` };
    const list = values.get(pair.key) ?? [];
    list.push(pair.value);
    values.set(pair.key, list);
  }
  const of = (key: string): readonly string[] => values.get(key) ?? [];
  return {
    ipv4: of('ipv4'),
    ipv6: of('ipv6'),
    host: of('host'),
    cidr: of('cidr'),
    defaultRoute: goTrue.has(of('default-route')[0] ?? ''),
  };
}

/** The first identifier type that the agent's flag check refuses, or undefined. */
export function unknownIdentifierType(text: string): string | undefined {
  for (const part of text.split('&')) {
    const key = part.split('=')[0] ?? '';
    if (part !== '' && !knownTypes.has(key)) return key;
  }
  return undefined;
}

/** The two halves of `key=value`, or Go's words for a broken escape. */
function decodePair(part: string): { key: string; value: string } | string {
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(part);
  if (broken !== null) return `invalid URL escape "${broken[0]}"`;
  const at = part.indexOf('=');
  const [key, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  return { key: unescapeQuery(key), value: unescapeQuery(value) };
}

/** Decodes percent escapes. Like Go, it accepts bytes that are not UTF-8; a run of them becomes `\ufffd`. */
function unescapeQuery(text: string): string {
  return text.replaceAll('+', ' ').replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return '\ufffd';
    }
  });
}
