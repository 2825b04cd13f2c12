import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { InputError } from "../io/inputError.ts";
import { note, say } from "../io/output.ts";
import { checkFolder, writeText } from "../io/target.ts";
import { exampleFiles } from "../scenarios/community/example.ts";
import { isFolder } from "../scenarios/community/readCommunity.ts";
import { checkCommunity } from "../scenarios/community/loadCommunity.ts";
import { wallText } from "../scenarios/community/portalStamps.ts";
import { zoneClock } from "../scenarios/community/zoneClock.ts";

export function communityCommand(): Command {
  const command = new Command("community").description(
    "a community's own folder: feeder, members, tariff, meters' files",
  );
  return command.addCommand(initCommand()).addCommand(checkCommand());
}

function initCommand(): Command {
  return new Command("init")
    .description("start a community's folder: 12 invented homes on a 400 V street, to be replaced by your own")
    .argument("<dir>", "a folder that is empty or not there yet")
    .option("--example", "with series, so that it works at once; without: only what people write by hand")
    .action((folder: string, { example }: { example?: true }) => {
      checkFolder(folder, "community init");
      if (existsSync(folder) && readdirSync(folder).length > 0)
        throw new InputError(`community init ${folder}: is not empty, and nothing that exists is touched`);
      const files = [...exampleFiles()].filter(([name]) => example === true || !name.startsWith("series/"));
      mkdirSync(join(folder, "series"), { recursive: true });
      for (const [name, text] of files) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeText(join(folder, name), text);
      }
      say(`${files.map(([name]) => join(folder, name)).join("\n")}`);
      if (example !== true) say(`now put your meters' files into ${join(folder, "series")}`);
      say(`next: gridpact community check ${folder}`);
    });
}

function checkCommand(): Command {
  return new Command("check")
    .description("say everything that is wrong with a community's folder, and what is assumed where it says nothing")
    .argument("<dir>", "the folder")
    .option("--date <day>", "the session's day by the local clock, YYYY-MM-DD (default: the first after the series)")
    .action(async (folder: string, { date }: { date?: string }) => {
      if (!isFolder(folder)) throw new InputError(`community check ${folder}: is no folder`);
      const { found, loaded } = await checkCommunity(folder, date);
      if (loaded === undefined) {
        for (const fault of found.wrong) note(`wrong: ${fault}`);
        throw new InputError(`community check ${folder}: ${found.wrong.length} wrong`);
      }
      const { scenario, community } = loaded;
      const clock = zoneClock(community.timeZone)!;
      const start = wallText(clock, Date.parse(scenario.startUtc));
      for (const text of found.assumed) say(`assumed: ${text}`);
      say(
        `${community.name}: nothing is wrong. ${community.date} has ${scenario.hours} periods of ${60 * scenario.periodHours} minutes from ${start} on; ` +
          `${community.members.length} members, ${scenario.uncertainty.uncertain.length} with panels, ${scenario.pairs.length} pairs that may trade`,
      );
    });
}
