import { TunnelError } from '../../core/errors.js';
import { goBrokenText } from '../../core/go-texts.js';
import { goTlsText } from '../../wire/net/go-tls-text.js';

/** The text after `Get "URL": ` for a failed request to a kubelet, in a Go client's words. */
export function goErrorText(caught: unknown, host: string): string {
  if (caught instanceof TunnelError) return caught.message;
  if (!(caught instanceof Error)) return String(caught);
  const text = goTlsText(caught, host);
  if (text !== undefined) return text;
  const code = 'code' in caught ? caught.code : '';
  if (code === 'ECONNRESET' && !('syscall' in caught)) return 'EOF';
  return goBrokenText(caught);
}
