import { describe, expect, it } from 'vitest';
import { flag } from '../../../src/dropin/flags/flag-row.js';
import { parseFlags } from '../../../src/dropin/flags/parse-flags.js';

const table = {
  'server-port': flag('int', 8090, 'A port.'),
  'uds-name': flag('string', '', 'A path.'),
  'sync-forever': flag('bool', false, 'A switch.'),
  'sync-interval': flag('duration', 1000, 'A duration.'),
  qps: flag('float', 0, 'A rate.'),
  'alpn-proto': flag('list', ['first'], 'A list.'),
  'log-file-max-size': flag('klogUint', 1800, 'A size.'),
  logtostderr: flag('klogBool', true, 'A switch of klog.'),
  selector: flag('selector', 'a=b', 'A selector.'),
  old: flag('selector', 'a=b', 'Its old name.', { alias: 'selector', deprecated: 'Use --selector instead' }),
  v: flag('klogLevel', 4, 'A level.', { shorthand: 'v' }),
  help: flag('bool', false, 'A text.', { shorthand: 'h' }),
} as const;

function parse(...argv: string[]) {
  const parsed = parseFlags(table, argv);
  if ('fault' in parsed) throw new Error(parsed.fault);
  return parsed.value;
}

function faultOf(...argv: string[]): string {
  const parsed = parseFlags(table, argv);
  return 'fault' in parsed ? parsed.fault : 'no fault';
}

describe('a command line', () => {
  it('gives the defaults when it is empty', () => {
    const { values, given, args } = parse();
    expect(values['server-port']).toBe(8090);
    expect(values['alpn-proto']).toEqual(['first']);
    expect([...given, ...args]).toEqual([]);
  });

  it('takes a value behind = or as the next word', () => {
    expect(parse('--server-port=1').values['server-port']).toBe(1);
    expect(parse('--server-port', '2').values['server-port']).toBe(2);
    expect(parse('--uds-name=').values['uds-name']).toBe('');
    expect(parse('--uds-name', '--server-port').values['uds-name']).toBe('--server-port');
    expect(parse('--uds-name=a=b').values['uds-name']).toBe('a=b');
  });

  it('never gives the next word to a boolean', () => {
    const { values, args } = parse('--sync-forever', 'false', '--logtostderr', 'no');
    expect(values['sync-forever']).toBe(true);
    expect(args).toEqual(['false', 'no']);
    expect(parse('--sync-forever=false').values['sync-forever']).toBe(false);
  });

  it('takes - and _ in names alike', () => {
    expect(parse('--server_port=5').values['server-port']).toBe(5);
    expect([...parse('--log_file_max_size', '7').given]).toEqual(['log-file-max-size']);
  });

  it('takes shorthands with =, glued, as two words and together', () => {
    for (const words of [['-v=3'], ['-v3'], ['-v', '3'], ['--v=3'], ['-hv3'], ['-hv', '3']]) {
      expect(parse(...words).values.v, words.join(' ')).toBe(3);
    }
    expect(parse('-hv3').values.help).toBe(true);
    expect(parse('-h=false').values.help).toBe(false);
  });

  it('takes all words behind -- as arguments, and a lone - as well', () => {
    expect(parse('-', 'a', '--', '--nope', '-x').args).toEqual(['-', 'a', '--nope', '-x']);
    expect(parse('--uds-name', '--', 'x').values['uds-name']).toBe('--');
  });

  it('the last of equal flags wins, and lists grow', () => {
    expect(parse('--v=1', '--v=2').values.v).toBe(2);
    expect(parse('--alpn-proto=a', '--alpn-proto=b,c').values['alpn-proto']).toEqual(['a', 'b', 'c']);
    expect(parse('--alpn-proto=[]').values['alpn-proto']).toEqual([]);
  });

  it('tells once of a deprecated flag, which sets the flag it is another name of', () => {
    const { values, given, notices } = parse('--old=c=d', '--old=e');
    expect(values.selector).toBe('e');
    expect([...given]).toEqual(['old', 'selector']);
    expect(notices).toEqual(['Flag --old has been deprecated, Use --selector instead']);
    expect(parse('--old=c', '--selector=d').values.selector).toBe('d');
  });
});

describe('a wrong command line is refused in the words of pflag', () => {
  it.each([
    [['--nope=1'], 'unknown flag: --nope'],
    [['--no_pe'], 'unknown flag: --no_pe'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['-hx3'], "unknown shorthand flag: 'x' in -x3"],
    [['--server-port'], 'flag needs an argument: --server-port'],
    [['--server_port'], 'flag needs an argument: --server_port'],
    [['-v'], "flag needs an argument: 'v' in -v"],
    [['--=1'], 'bad flag syntax: --=1'],
    [['---x'], 'bad flag syntax: ---x'],
    [
      ['--server-port=x'],
      'invalid argument "x" for "--server-port" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      ['--server-port', '9223372036854775808'],
      'invalid argument "9223372036854775808" for "--server-port" flag: strconv.ParseInt: parsing ' +
        '"9223372036854775808": value out of range',
    ],
    [['-vx'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      ['--sync-forever=yes'],
      'invalid argument "yes" for "--sync-forever" flag: strconv.ParseBool: parsing "yes": invalid syntax',
    ],
    [['--logtostderr=yes'], 'invalid argument "yes" for "--logtostderr" flag: parse error'],
    [['--log-file-max-size=-1'], 'invalid argument "-1" for "--log-file-max-size" flag: parse error'],
    [
      ['--log-file-max-size=18446744073709551616'],
      'invalid argument "18446744073709551616" for "--log-file-max-size" flag: value out of range',
    ],
    [
      ['--sync-interval=5'],
      'invalid argument "5" for "--sync-interval" flag: time: missing unit in duration "5"',
    ],
    [['--qps=a'], 'invalid argument "a" for "--qps" flag: strconv.ParseFloat: parsing "a": invalid syntax'],
    [
      ['--selector=a b'],
      'invalid argument "a b" for "--selector" flag: unable to parse requirement: "a b" is not a label selector',
    ],
  ])('%j', (argv, text) => {
    expect(faultOf(...argv)).toBe(text);
  });
});
