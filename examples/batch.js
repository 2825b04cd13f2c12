// A batch as it goes on chain: one prosumer sells 1500 Wh to another in the session's first of two periods, at 0.12 $/kWh.
import { decodePayload, encodePayload } from "gridpact/codec";

const trade = { product: "energy", period: 0, seller: 7, buyer: 9, quantity: 1500, price: 120_000 };
const rest = [0, 0];
const bytes = encodePayload({ participants: [7, 9], systems: 0, reactiveVar: [rest, rest], trades: [trade] }, 2);
console.log(`${bytes.length} bytes: ${Buffer.from(bytes).toString("hex")}`);
console.log(decodePayload(bytes, 2).trades);
