import { basename } from "node:path";
import type { Feeder } from "../../grid/feeder.ts";
import { importPandapower, PandapowerError } from "../../grid/pandapower/pandapower.ts";
import { topologyOf } from "../../grid/topology.ts";
import { InputError } from "../../io/inputError.ts";
import { isFile, readText } from "../../io/readJson.ts";
import { importCase } from "../importCase.ts";
import { loadFeeder } from "../loadScenario.ts";
import type { Findings } from "./findings.ts";
import type { Member } from "./members.ts";

/** The community's feeder, and which bus a member means. */
export type Street = {
  readonly feeder: Feeder;
  readonly busNamed: ReadonlyMap<string, number>;
  /** Names that several buses have. */
  readonly ambiguous?: ReadonlySet<string>;
};

const isPandapower = (text: string): boolean => text.includes('"pandapowerNet"');

/** Reads the feeder in one of the formats taken. Throws InputError. */
export function readStreet(file: string, found: Findings): Street {
  if (!isFile(file)) throw new InputError(`${file}: there is no such file: feeder in community.yaml names it`);
  const note = (texts: readonly string[]): void => {
    for (const text of texts) found.assumed.push(`${basename(file)}: ${text}`);
  };
  if (/\.m$/i.test(file)) {
    const { feeder, notes } = importCase(file);
    note(notes);
    return checked(file, { feeder, busNamed: new Map() });
  }
  const text = readText(file);
  if (!isPandapower(text)) return { feeder: loadFeeder(file), busNamed: new Map() };
  try {
    const { notes, ...network } = importPandapower(text);
    note(notes);
    return checked(file, network);
  } catch (error) {
    if (error instanceof PandapowerError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}

function checked(file: string, street: Street): Street {
  for (const { bus, vMinPu, vMaxPu } of street.feeder.buses)
    if (vMinPu >= vMaxPu) throw new InputError(`${file}: bus ${bus}: its lowest voltage is not below its highest`);
  return street;
}

/** The members in the order of the feeder, with their buses' numbers; who is nowhere on it is noted. */
export function placed(
  { feeder, busNamed, ambiguous }: Street,
  members: readonly Member[],
  found: Findings,
): { readonly member: Member; readonly bus: number }[] {
  const { indexOfBus, position } = topologyOf(feeder);
  const root = feeder.buses[0].bus;
  const known = members.flatMap((member) => {
    const bus = busNamed.get(member.bus) ?? Number(member.bus);
    const fail = (reason: string): [] => {
      found.wrong.push(`${member.file}: line ${member.line}: bus = ${JSON.stringify(member.bus)}: ${reason}`);
      return [];
    };
    if (ambiguous?.has(member.bus)) return fail(`is the name of several buses of ${feeder.name}: write its number`);
    const numbers = feeder.buses.slice(1, 8).map((one) => one.bus);
    if (!indexOfBus.has(bus)) return fail(`is no bus of ${feeder.name}; there are ${numbers.join(", ")} ...`);
    if (bus === root) return fail("is the substation, where no member can be");
    return [{ member, bus }];
  });
  const loaded = known.filter(({ bus }) => feeder.buses[indexOfBus.get(bus)!].loadMw !== 0);
  if (loaded.length > 0) {
    const [{ bus, member }] = loaded;
    const kw = Number((1e3 * feeder.buses[indexOfBus.get(bus)!].loadMw).toPrecision(3));
    found.assumed.push(
      `${feeder.name}: bus ${bus} has a load of ${kw} kW of its own beside ${member.id}'s series` +
        (loaded.length > 1 ? `, and so have ${loaded.length - 1} more buses of members` : "") +
        ": both load the feeder; set it to 0 where it is the member's",
    );
  }
  return known.sort((a, b) => position[indexOfBus.get(a.bus)!] - position[indexOfBus.get(b.bus)!]);
}
