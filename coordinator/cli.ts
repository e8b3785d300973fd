#!/usr/bin/env node
/** The command line. Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 coordinator not reachable. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { doctorCommand } from './cli/doctor.js';
import { exitCodeOf, exitCodes, explained } from './cli/exit.js';
import { explainCommand } from './cli/explain.js';
import { migrateCommand } from './cli/migrate.js';
import { safe } from './cli/print.js';
import { purgeCommand } from './cli/purge.js';
import { serveCommand } from './cli/serve.js';
import { txCommand } from './cli/tx.js';

const help = `
Exit codes: 0 ok, 1 the answer is no, 2 wrong usage, 3 coordinator not reachable.

Examples:
  $ concordat serve                                   a coordinator on 127.0.0.1:8090, kept in concordat.db
  $ concordat tx list --status parked                 what needs a person
  $ concordat tx show order-1042                      one transaction, its branches and what it waits for
  $ concordat tx retry order-1042                     try again now
  $ concordat explain order-1042                      in plain words, with what you can do
  $ concordat doctor                                  what is wrong, and how to mend it`;

function program(): Command {
  const command = new Command('concordat')
    .description('A transaction coordinator: makes an operation that spans several services all-or-nothing.')
    .version(version())
    .addHelpText('after', help)
    .addCommand(serveCommand())
    .addCommand(txCommand())
    .addCommand(explainCommand())
    .addCommand(doctorCommand())
    .addCommand(migrateCommand())
    .addCommand(purgeCommand());
  everyOne(command, (each) => each.exitOverride().showHelpAfterError('(add --help for what is possible)'));
  return command;
}

/** Commander takes such settings over only to commands it makes itself. */
function everyOne(command: Command, set: (command: Command) => void): void {
  set(command);
  for (const child of command.commands) everyOne(child, set);
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

// A reader that has seen enough, as in `concordat tx list | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
});

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else {
    const lines = explained(error)
      .split('\n')
      .map((line) => safe(line, 2000));
    process.stderr.write(`error: ${lines.join('\n')}\n`);
    // Whatever a command left running does not keep the process alive once it has failed.
    process.exit(exitCodeOf(error));
  }
}
