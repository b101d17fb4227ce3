import { writeText } from '../io/byte-sink.js';
import { anyArgs, type Command, noArgs, type Process } from './command.js';
import { turn } from './files.js';
import { SandboxLimit } from './limit.js';

export const succeed: Command = { accepts: anyArgs, run: async () => 0 };
export const fail: Command = { accepts: anyArgs, run: async () => 1 };

export const echo: Command = {
  accepts: ([first = '']) => !/^-[neE]+$/.test(first) || first === '-n',
  async run(process) {
    const bare = process.args[0] === '-n';
    const words = bare ? process.args.slice(1) : process.args;
    await writeText(process.stdout, `${words.join(' ')}${bare ? '' : '\n'}`);
    return 0;
  },
};

const batchLines = 1024;

/** `seq [FIRST [STEP]] LAST` over integers. */
export const seq: Command = {
  accepts: (args) => args.length >= 1 && args.length <= 3 && args.every((arg) => /^-?\d+$/.test(arg)),
  async run(process) {
    const numbers = process.args.map(Number);
    if (!numbers.every(Number.isSafeInteger)) throw new SandboxLimit('numbers of more than 15 digits');
    const last = numbers.at(-1) ?? 0;
    const first = numbers.length > 1 ? (numbers[0] ?? 1) : 1;
    const step = numbers.length > 2 ? (numbers[1] ?? 1) : 1;
    if (step === 0) {
      await writeText(process.stderr, "seq: invalid Zero increment value: '0'\n");
      return 1;
    }
    let lines: number[] = [];
    for (let value = first; step > 0 ? value <= last : value >= last; value += step) {
      lines.push(value);
      if (lines.length < batchLines) continue;
      await writeText(process.stdout, `${lines.join('\n')}\n`);
      await turn();
      if (process.signal.aborted) return 0;
      lines = [];
    }
    if (lines.length > 0) await writeText(process.stdout, `${lines.join('\n')}\n`);
    return 0;
  },
};

export const env: Command = {
  accepts: noArgs,
  async run(process) {
    const lines = Object.entries(process.env).map(([name, value]) => `${name}=${value}\n`);
    await writeText(process.stdout, lines.join(''));
    return 0;
  },
};

function printCommand(text: (process: Process) => string, accepts: Command['accepts'] = noArgs): Command {
  return {
    accepts,
    async run(process) {
      await writeText(process.stdout, `${text(process)}\n`);
      return 0;
    },
  };
}

export const hostname = printCommand((process) => process.machine.hostname, anyArgs);
export const whoami = printCommand(() => 'root', anyArgs);

export const id = printCommand(({ args }) => {
  const [flag] = args;
  if (flag === undefined) return 'uid=0(root) gid=0(root) groups=0(root)';
  return flag.includes('n') ? 'root' : '0';
}, anyArgs);

const unameFields = {
  s: 'Linux',
  n: '',
  r: '6.1.0-konnsim',
  v: '#1 SMP',
  m: 'x86_64',
  o: 'GNU/Linux',
} as const;

export const uname = printCommand(({ args, machine }) => {
  const flags = args.join('').replaceAll('-', '') || 's';
  return Object.entries(unameFields)
    .filter(([flag]) => flags.includes(flag) || flags.includes('a'))
    .map(([flag, text]) => (flag === 'n' ? machine.hostname : text))
    .join(' ');
}, anyArgs);

/** `stty size`, and the settings that matter here: `echo`, `-echo`, `sane`. */
export const stty: Command = {
  accepts: anyArgs,
  async run({ args, terminal, stdout, stderr }) {
    if (terminal === undefined) {
      await writeText(stderr, "stty: 'standard input': Not a tty\n");
      return 1;
    }
    const { width, height } = terminal.size;
    for (const arg of args) {
      if (arg === 'size') await writeText(stdout, `${height} ${width}\n`);
      if (arg === '-echo') terminal.echo = false;
      if (arg === 'echo' || arg === 'sane') terminal.echo = true;
    }
    if (args.length === 0) await writeText(stdout, `speed 38400 baud; rows ${height}; columns ${width};\n`);
    return 0;
  },
};
