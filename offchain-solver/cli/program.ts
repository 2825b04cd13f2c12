import { Command, CommanderError } from "commander";
import { InputError } from "../io/inputError.ts";
import { inline, note, visible } from "../io/output.ts";
import { admitCommand } from "./admit.ts";
import { auditCommand } from "./audit.ts";
import { backupCommand } from "./backup.ts";
import { benchCommand } from "./benchCommand.ts";
import { clearCommand } from "./clear.ts";
import { communityCommand } from "./community.ts";
import { Exit } from "./exit.ts";
import { deployCommand } from "./deploy.ts";
import { devnetCommand } from "./devnet.ts";
import { experimentCommand } from "./experiment.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { meterCommand } from "./meter.ts";
import { nodeCommand } from "./node.ts";
import { operatorCommand } from "./operator.ts";
import { replayCommand } from "./replay.ts";
import { restoreCommand } from "./restore.ts";
import { rotateCommand } from "./rotate.ts";
import { chainRefusal } from "./refusal.ts";
import { receiptCommand } from "./receipt.ts";
import { runCommand } from "./run.ts";
import { scenarioCommand } from "./scenario.ts";
import { walletCommand } from "./wallet.ts";

const COMMANDS = [
  runCommand,
  clearCommand,
  scenarioCommand,
  importCommand,
  communityCommand,
  meterCommand,
  auditCommand,
  deployCommand,
  receiptCommand,
  walletCommand,
  experimentCommand,
  benchCommand,
  devnetCommand,
  nodeCommand,
  operatorCommand,
  replayCommand,
  initCommand,
  admitCommand,
  backupCommand,
  restoreCommand,
  rotateCommand,
];

/** A command that is added, not made, by its parent does not take over that errors are thrown. */
function adopt(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  command.hook("preSubcommand", (before, named) => {
    const stray = before.options.find((option) => before.getOptionValueSource(option.attributeName()) === "cli");
    if (stray) throw new InputError(`${stray.long}: must come after ${named.name()}, whose option it is to be`);
  });
  for (const child of command.commands) adopt(child, command);
  return command;
}

/** A fresh `gridpact`; its errors are thrown, and each option belongs to the command after whose name it stands. */
export function program(): Command {
  const root = new Command("gridpact")
    .description("Carbon-aware peer-to-peer market for prosumers on one distribution feeder")
    .version("0.1.0")
    .enablePositionalOptions()
    .showHelpAfterError("(gridpact --help lists the commands)")
    .configureOutput({ writeErr: (text) => void process.stderr.write(visible(text)) })
    .exitOverride();
  for (const command of COMMANDS) root.addCommand(adopt(command(), root));
  return root;
}

/** Runs one command line (without node and script) and returns its exit code; complaints go to stderr. */
export async function gridpact(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof InputError || error instanceof Exit) {
      note(error instanceof Exit ? error.message : inline(error.message));
      return error instanceof Exit ? error.code : 2;
    }
    const refusal = chainRefusal(error);
    if (refusal === undefined) console.error(error);
    else note(inline(refusal));
    return refusal === undefined ? 1 : 2;
  }
}
