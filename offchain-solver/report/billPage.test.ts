import { expect } from "chai";
import { BillJsonSchema } from "../records/billJson.ts";
import { renderBill } from "./billPage.ts";

const HASH = `0x${"ab".repeat(32)}`;

describe("a bill's page", () => {
  it("tells a session by the clock of its community", () => {
    const bill = BillJsonSchema.parse({
      ...{ number: "2026-06-10", prosumer: 10, name: "Kindergarten", month: "2026-06", currency: "EUR" },
      timeZone: "Europe/Vienna",
      lines: [
        {
          ...{ start: Date.UTC(2026, 5, 14, 22) / 1000, day: "2026-06-15", batch: HASH, transaction: HASH, entry: 0 },
          ...{ item: "bought", quantity: 714, nano: "166200000" },
        },
      ],
      totalNano: "166200000",
      vat: { percent: 20, nano: "33240000" },
    });
    const html = renderBill(bill);
    expect(html).to.include("Session from 15 June 00:00 Europe/Vienna.").and.include("Bill no. 2026-06-10");
    expect(html).not.to.include("UTC");
  });

  it("shows in its cells what the file says: every line, its day's sum, each item's sum, net, tax and both", () => {
    const line = (start: number, item: "bought" | "sold" | "drawn", quantity: number, nano: string) => ({
      ...{ start: Date.UTC(2026, 5, start, 10) / 1000, day: `2026-06-${start}`, entry: 0, item, quantity, nano },
      ...(item !== "drawn" && { batch: HASH, transaction: HASH }),
    });
    const bill = BillJsonSchema.parse({
      ...{ number: "2026-06-10", prosumer: 10, month: "2026-06", currency: "EUR", timeZone: "UTC" },
      lines: [
        line(14, "bought", 714, "166200000"),
        line(14, "sold", 2_500, "-412345678"),
        line(15, "bought", 1_000, "200049999"),
        line(16, "drawn", 10_219, "357665000"),
      ],
      totalNano: "311569321",
      vat: { percent: 20, nano: "62313864" },
    });
    // Money to four digits, of nano-units that are no floats here.
    const money = (nano: bigint): string => {
      const size = (nano < 0n ? -nano : nano) + 50_000n;
      const digits = `${size / 100_000n}`.padStart(5, "0");
      return `${nano < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
    };
    const cells = [...renderBill(bill).matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/g)].map(([, text]) =>
      text.replaceAll(/<[^>]*>/g, "").replace("−", "-"),
    );
    const shown = cells.filter((text) => /^-?[\d,]*\d\.\d{4}$/.test(text));
    const parts = [366_249_999n, -412_345_678n, 357_665_000n, 311_569_321n];
    const tax = [311_569_321n, 62_313_864n, 373_883_185n];
    const days = [166_200_000n, -412_345_678n, -246_145_678n, 200_049_999n, 200_049_999n, 357_665_000n, 357_665_000n];
    expect(shown).to.deep.equal([...parts, ...tax, ...days].map(money));
    for (const kwh of ["1.714", "2.500", "10.219", "0.714", "1.000"])
      expect(cells.map((text) => text.replace("\u00a0", " "))).to.include(`${kwh} kWh`);
  });
});
