/** What is made again of later entries: by an auditor after a wrong one, by a node where accounts move in its block. */
import { expect } from "chai";
import type { JsonRpcProvider } from "ethers";
import { audit } from "../../offchain-solver/auditor/audit.ts";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import type { ChainEntry } from "../../offchain-solver/chain/delivery.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import { encodeReadings } from "../../offchain-solver/codec/readings.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { asEntered, type Asked, type Promised, type Reckoned } from "../../offchain-solver/node/delivery/reckoning.ts";
import { as, held, owner } from "../support/calls.ts";
import { deliver, delivery, entryOf, HOME, metered, movedBy, readingsOf, registerFund } from "../support/delivered.ts";
import { recorded, replayed } from "../support/recordedChain.ts";
import { DAY, HOUR, tradedSession, WHY } from "../support/tradedSession.ts";

describe("later entries, made again", () => {
  it("are judged by themselves where the first one's due energy was wrong", async () => {
    const { world, session, until } = await tradedSession(false, 100);
    await registerFund(world);
    await until(session.end + HOUR);
    const wrong = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { dueWh: 2_001 }) : row));
    const first = await deliver(session, wrong);
    const second = await deliver(session, readingsOf(session), { kind: "correction", reason: WHY, before: first });
    await deliver(session, wrong, { kind: "correction", reason: WHY, before: second });
    const record = await recorded(endpointOf(world.provider), world.deployment.market, world.deployment.block);
    const shown = { look: look(replayed(record)), market: record.market, fromBlock: 0, release: releasedBuild() };
    const { entries } = await audit(shown);
    expect(entries.map(({ verdict }) => (verdict.kind === "invalid" ? verdict.predicate : verdict.kind))).to.deep.equal(
      [...["dueNotTheBatch", "valid", "dueNotTheBatch"]],
    );
  });

  it("are what the chain posted, where somebody pays arrears in the block of the entry", async () => {
    const { world, session, until } = await tradedSession(false, 4);
    const { market, token } = world.contracts;
    const leaving = as(market, await owner(world, 104));
    await Chain.send(leaving, "requestWithdrawal", 104, (await held(world, 104)) / 1_000n - 90_000n);
    await until(session.end + 2 * DAY + HOUR);
    await Chain.send(market, "withdraw", 104);
    const short = (wh: number) =>
      readingsOf(session, (row, k) => (k === 3 ? metered(row, 0, { meteredWh: row.values[0].dueWh - wh }) : row));
    const [wrong, right] = [short(2_000), short(1_900)];
    const first = await deliver(session, wrong);
    await Chain.send(token, "mint", await world.admin.getAddress(), 10n ** 12n);
    await Chain.send(token, "approve", world.deployment.market, 10n ** 12n);
    await Chain.send(as(market, world.admin), "deposit", 104, 60_000n);
    const args = await entryOf(session, encodeReadings(right), { kind: "correction", reason: WHY, before: first });
    const provider = world.provider as JsonRpcProvider;
    let entered: ChainEntry | undefined;
    const moved = await movedBy(world, async () => {
      await provider.send("evm_setAutomine", [false]);
      const sent = [
        await delivery(world).getFunction("collect").send(104, { gasLimit: 500_000n }),
        await delivery(world)
          .getFunction("deliver")
          .send(...args, { gasLimit: 5_000_000n }),
      ];
      await provider.send("evm_mine", []);
      await provider.send("evm_setAutomine", [true]);
      const [collected, made] = await Promise.all(sent.map((one) => one.wait()));
      expect([collected!.blockNumber, collected!.index]).to.deep.equal([made!.blockNumber, made!.index - 1]);
      entered = { number: 2, transaction: made!.hash, block: made!.blockNumber } as ChainEntry;
    });
    const basis = {
      ...{ periods: 2, periodSeconds: HOUR, closed: true, multiple: 3, imbalancePrice: 120_000 },
      connections: new Map(world.ids.map((id) => [id, HOME])),
    };
    const earlier = { number: 1, kind: "final", readings: wrong, bill: Ledger.bill(wrong, basis), hash: "" };
    const reckoned = { bill: Ledger.bill(right, basis), earlier, entry: { kind: "correction" }, invited: world.ids };
    const exact = await asEntered(
      { deployment: world.deployment, provider } as unknown as Asked,
      { settled: session } as unknown as Promised,
      reckoned as unknown as Reckoned,
      entered!,
    );
    // Of 220 million 90 were there; 60 are collected, and the correction takes 11 off.
    expect(exact.entered.takenUp.arrears.get(104)).to.equal(70_000_000n);
    expect(exact.entered.arrears.get(104)).to.equal(59_000_000n);
    expect(moved.get(104)).to.equal(-60_000_000n);
    const own = exact.entered.entries.find(({ id }) => id === 104)!;
    expect(own.nano).to.equal(0n);
  });
});
