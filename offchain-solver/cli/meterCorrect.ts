/** A late or corrected file of meters' readings: a new entry on chain, and a new bill beside the old. */
import { Command } from "commander";
import { enterMeters } from "../devnet/entry.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { writeJson } from "../io/target.ts";
import type { EntryRequest } from "../node/delivery/reckoning.ts";
import { ofEntry } from "../records/sessionPlaces.ts";
import { sessionIn } from "./audit.ts";
import { VAT_OPTION } from "./billsBeside.ts";
import { Exit } from "./exit.ts";
import { documentsIn, meteredSession, newerReadings, rebill, signedAgain, vatFor } from "./meteredSession.ts";

type Arguments = { readonly readings: string; readonly reason: string; readonly rpc?: string; readonly vat?: number };

export const correctCommand = (): Command =>
  new Command("correct")
    .description("enters a late or corrected file for a session of this program's keys, and bills the difference")
    .argument("<session>", "the session's folder, as run wrote it")
    .requiredOption(
      "--readings <file>",
      "what meters say now, as `meter read` writes it: whole sessions of some members",
    )
    .requiredOption("--reason <text>", "why; it is signed with the entry and stands on the bill")
    .option("--rpc <url>", "a node of the chain (default: the one that settlement.json names)")
    .option(...VAT_OPTION)
    .action(correct);

async function correct(folder: string, args: Arguments): Promise<void> {
  if (args.reason.trim() === "") throw new InputError('--reason "": must say why');
  const newer = newerReadings(args.readings);
  const session = sessionIn(folder);
  const told = documentsIn(session);
  if (told.length === 0) throw new InputError(`${session.at("delivery.json")}: there is no such file`);
  const known = await meteredSession(session, args.rpc);
  const { found, settled, promised, place } = known;
  try {
    const vat = vatFor(known, args.vat);
    const signed = await signedAgain(known, told.at(-1)!.meters, newer);
    const entries = found.entries.filter(({ batch }) => batch === settled.batch);
    const closed = entries.some(({ kind }) => kind === "final");
    const request: EntryRequest = closed ? { kind: "correction", reason: args.reason } : { kind: "final" };
    const made = await enterMeters(place, promised, signed, request);
    const [wrong] = made.refused;
    if (wrong !== undefined) throw new Exit(3, wrong);
    if (made.entry === undefined) throw new Exit(3, "it is too early on the chain's clock: meters may still read");
    const number = told.length + (told[0].delivery.entered === undefined ? 0 : 1);
    writeJson(ofEntry(session.at("delivery.json"), number), made.delivery);
    writeJson(ofEntry(session.at("meters.json"), number), made.meters);
    const bills = rebill(known, vat);
    say(`entry ${made.entry.number} (${made.entry.kind}) in block ${made.entry.block}, ${bills} in ${folder}`);
  } finally {
    await known.chain.close();
  }
}
