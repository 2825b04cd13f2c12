import { expect } from "chai";
import { instantOf, type DateFormat } from "./portalStamps.ts";
import { zoneClock } from "./zoneClock.ts";

const clock = zoneClock("America/Los_Angeles")!;
const at = (text: string, format?: DateFormat): string | number => {
  const ms = instantOf(text, clock, format, -Infinity);
  return typeof ms === "string" ? ms : new Date(ms).toISOString().slice(0, 16);
};

describe("a portal's stamp", () => {
  const read: readonly (readonly [text: string, format: DateFormat | undefined, utc: string])[] = [
    ["7/15/2026 12:00 AM", "MM/DD/YYYY", "2026-07-15T07:00"],
    ["07/15/2026 12:15 pm", "MM/DD/YYYY", "2026-07-15T19:15"],
    ["07/15/2026 1:00 p.m.", "MM/DD/YYYY", "2026-07-15T20:00"],
    ["07/15/2026 11:45:00PM", "MM/DD/YYYY", "2026-07-16T06:45"],
    ["2026-07-15 6:00 PM", undefined, "2026-07-16T01:00"],
    ["15-07-2026 18:00:00", "DD-MM-YYYY", "2026-07-16T01:00"],
    ["07-15-2026 18:00", "MM-DD-YYYY", "2026-07-16T01:00"],
  ];
  for (const [text, format, utc] of read) it(`may be ${text}`, () => expect(at(text, format)).to.equal(utc));

  const refused: readonly (readonly [text: string, format: DateFormat | undefined, says: string])[] = [
    ["13:00 PM", undefined, "is not a time such as"],
    ["07/15/2026 13:00 PM", "MM/DD/YYYY", "is not a time that there is"],
    ["07/15/2026 0:30 AM", "MM/DD/YYYY", "is not a time that there is"],
    ["07/15/2026 7:00 AM", undefined, "Say dates: DD/MM/YYYY or dates: MM/DD/YYYY"],
    ["07-08-2026 07:00", undefined, "Say dates: DD-MM-YYYY or dates: MM-DD-YYYY"],
    ["07-08-2026 07:00", "DD/MM/YYYY", "Say dates: DD-MM-YYYY"],
    ["07-08/2026 07:00", "DD/MM/YYYY", "is not a time such as"],
    ["15/07/2026 07:00", "MM/DD/YYYY", "is not a time that there is"],
  ];
  for (const [text, format, says] of refused)
    it(`is refused as ${text}`, () => expect(at(text, format)).to.be.a("string").that.includes(says));
});
