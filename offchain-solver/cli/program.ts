import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { InputError } from "../io/inputError.ts";
import { inline, note, visible } from "../io/output.ts";
import { Exit } from "./exit.ts";
import { chainRefusal } from "./refusal.ts";

/** Each is loaded when it is named: nobody waits for what another one needs. */
const COMMANDS: Readonly<Record<string, () => Promise<() => Command>>> = {
  run: async () => (await import("./run.ts")).runCommand,
  clear: async () => (await import("./clear.ts")).clearCommand,
  scenario: async () => (await import("./scenario.ts")).scenarioCommand,
  import: async () => (await import("./import.ts")).importCommand,
  community: async () => (await import("./community.ts")).communityCommand,
  meter: async () => (await import("./meter.ts")).meterCommand,
  audit: async () => (await import("./audit.ts")).auditCommand,
  deploy: async () => (await import("./deploy.ts")).deployCommand,
  receipt: async () => (await import("./receipt.ts")).receiptCommand,
  wallet: async () => (await import("./wallet.ts")).walletCommand,
  experiment: async () => (await import("./experiment.ts")).experimentCommand,
  bench: async () => (await import("./benchCommand.ts")).benchCommand,
  devnet: async () => (await import("./devnet.ts")).devnetCommand,
  node: async () => (await import("./node.ts")).nodeCommand,
  operator: async () => (await import("./operator.ts")).operatorCommand,
  replay: async () => (await import("./replay.ts")).replayCommand,
  init: async () => (await import("./init.ts")).initCommand,
  admit: async () => (await import("./admit.ts")).admitCommand,
  backup: async () => (await import("./backup.ts")).backupCommand,
  restore: async () => (await import("./restore.ts")).restoreCommand,
  rotate: async () => (await import("./rotate.ts")).rotateCommand,
};

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

/** The version that this program is released as. */
function version(): string {
  const file = fileURLToPath(new URL("../../package.json", import.meta.url));
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/**
 * A fresh `gridpact` with these commands; its errors are thrown, and each option belongs to the command after whose
 * name it stands.
 */
export async function program(names: readonly string[] = Object.keys(COMMANDS)): Promise<Command> {
  const root = new Command("gridpact")
    .description("Carbon-aware peer-to-peer market for prosumers on one distribution feeder")
    .version(version())
    .enablePositionalOptions()
    .showHelpAfterError("(gridpact --help lists the commands)")
    .configureOutput({ writeErr: (text) => void process.stderr.write(visible(text)) })
    .exitOverride();
  for (const name of names) root.addCommand(adopt((await COMMANDS[name]())(), root));
  return root;
}

/** Runs one command line (without node and script) and returns its exit code; complaints go to stderr. */
export async function gridpact(args: readonly string[]): Promise<number> {
  try {
    const [first] = args;
    const named = first !== undefined && Object.hasOwn(COMMANDS, first) ? [first] : undefined;
    await (await program(named)).parseAsync([...args], { from: "user" });
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
