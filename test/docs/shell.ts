/** The shell blocks of a page, command by command, as a reader types them. */
import { execFile, spawnSync } from 'node:child_process';

export interface Block {
  /** The heading that it stands under. */
  readonly under: string;
  readonly commands: readonly string[];
}

export function shellBlocksOf(page: string): readonly Block[] {
  let under = '';
  const found: Block[] = [];
  for (const match of page.matchAll(/^#+ (.+)$|^```sh\n([\s\S]*?)^```$/gm)) {
    const [, heading, text] = match;
    if (heading !== undefined) under = heading;
    else found.push({ under, commands: commandsOf(text ?? '') });
  }
  return found;
}

/** A command ends with its line, unless a quote is open or the line ends with a backslash. Comments are left out. */
export function commandsOf(text: string): readonly string[] {
  const commands: string[] = [];
  let command = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote === '' && char === '#' && /(^|\s)$/.test(text.slice(0, at))) {
      // What a comment says opens no quote.
      at = text.indexOf('\n', at) - 1;
    } else if (char === '\\' && quote !== "'") {
      command += char + (text[++at] ?? '');
    } else if (char === '\n' && quote === '') {
      commands.push(command);
      command = '';
    } else {
      if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
      command += char;
    }
  }
  return [...commands, command].map((each) => each.trim()).filter((each) => each !== '');
}

export interface Ran {
  readonly command: string;
  readonly exitCode: number;
  /** 0: there was none. */
  readonly status: number;
  /** With the headers, if the command shows them. */
  readonly output: string;
}

export const hasCurl = (): boolean => spawnSync('curl', ['--version']).status === 0;

/** Nothing but the end of the answer's own: how it went comes on a line of its own after it. */
const preamble = `curl() { command curl --silent --show-error --max-time 20 --noproxy '*' --write-out '\\n%{http_code}' "$@"; }\n`;

/** Runs one command in a shell, with the variables of the reader. A stream is cut off after a second. */
export function runCommand(command: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const isEndless = /curl (-N|--no-buffer)/.test(command);
  const script = isEndless ? preamble.replace('--max-time 20', '--max-time 1') + command : preamble + command;
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], { env: { PATH: process.env.PATH, ...env }, timeout: 30_000 }, (error, stdout) => {
      const lines = stdout.split('\n');
      const status = Number(lines.pop());
      const exitCode = error === null ? 0 : Number(error.code ?? 1);
      resolve({ command, exitCode: isEndless && exitCode === 28 ? 0 : exitCode, status, output: lines.join('\n') });
    });
  });
}
