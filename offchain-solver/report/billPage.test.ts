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
});
