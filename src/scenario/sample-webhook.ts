import { readFile } from 'node:fs/promises';
import { createAuthority } from '../pki/authority.js';

/** Next to `src` and `dist`. */
const template = new URL('../../examples/webhook.yaml', import.meta.url);
const serverName = 'webhook.default.svc';

/** The sample admission webhook as YAML, with a certificate of a new CA, whose key is not kept. */
export async function webhookYaml(): Promise<string> {
  const authority = await createAuthority({ commonName: 'konnsim-webhook-ca' });
  const pair = await authority.issue({ commonName: serverName, dnsNames: [serverName], usages: ['server'] });
  const values: Readonly<Record<string, string>> = {
    // Inside a double-quoted text of YAML.
    TLS_CERT: inQuotes(pair.certPem),
    TLS_KEY: inQuotes(pair.keyPem),
    CA_BUNDLE: Buffer.from(authority.certPem).toString('base64'),
  };
  const lines = (await readFile(template, 'utf8')).split('\n').filter((line) => !line.startsWith('#'));
  return lines.join('\n').replace(/\$\{([A-Z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function inQuotes(pem: string): string {
  return pem.replaceAll('\n', '\\n');
}
