#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { InputError } from "../io/inputError.ts";
import { auditCommand } from "./audit.ts";
import { benchCommand } from "./benchCommand.ts";
import { clearCommand } from "./clear.ts";
import { Exit } from "./exit.ts";
import { experimentCommand } from "./experiment.ts";
import { importCommand } from "./import.ts";
import { runCommand } from "./run.ts";
import { scenarioCommand } from "./scenario.ts";

const program = new Command("gridpact")
  .description("Carbon-aware peer-to-peer market for prosumers on one distribution feeder")
  .version("0.1.0")
  .showHelpAfterError("(gridpact --help lists the commands)")
  .exitOverride();
const COMMANDS = [
  runCommand,
  clearCommand,
  scenarioCommand,
  importCommand,
  auditCommand,
  experimentCommand,
  benchCommand,
];
/** A command that is added, not made, by its parent does not take over that errors are thrown. */
function adopt(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) adopt(child, command);
  return command;
}
for (const command of COMMANDS) program.addCommand(adopt(command(), program));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof InputError) {
    console.error(error.message);
    process.exitCode = 2;
  } else if (error instanceof Exit) {
    console.error(error.message);
    process.exitCode = error.code;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
}
