import { expect } from "chai";
import { concat, type Contract, hexlify, type Wallet } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { EXIT_TIME } from "../../offchain-solver/chain/roles.ts";
import { meterKeyDigest, nodeKeyDigest, registryDomain } from "../../offchain-solver/codec/typedData.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import { as, call, owner, proof, registeredLimits } from "../support/calls.ts";
import { wallet as keyOf } from "../support/keys.ts";
import { createWorld, idsOf, lineGrid, refusalOf, type World } from "../support/world.ts";

describe("the registry", () => {
  let world: World;
  let registry: Contract;
  const ids = idsOf(4);
  before(async () => {
    world = await createWorld({ prosumers: 4, dollars: 0 });
    registry = world.contracts.registry;
  });

  const refused = async (method: string, ...args: unknown[]): Promise<string> =>
    (await refusalOf(registry, registry.getFunction(method).staticCall(...args))).predicate;
  const by = async (contract: Contract, method: string, ...args: unknown[]): Promise<string> =>
    (await refusalOf(registry, contract.getFunction(method).staticCall(...args))).predicate;

  it("takes a party once, with keys nobody else uses and proofs that they are its own", async () => {
    const [node, meter, wallet] = ["n", "m", "w"].map((name) => keyOf(`registry ${name}`, 1));
    const message = { prosumer: 500, wallet: wallet.address, rotation: 0n };
    const own = await proof(world, "node", node, message);
    const read = await proof(world, "meter", meter, message);
    const zero = `0x${"00".repeat(20)}`;
    const attempt = (over: object): Promise<string> => {
      const good = { id: 500, wallet: wallet.address, node: node.address, meter: meter.address, own, read };
      return refused("register", ...Object.values({ ...good, ...over }));
    };
    expect(await attempt({ id: 101 })).to.equal("alreadyRegistered");
    for (const field of ["wallet", "node", "meter"]) expect(await attempt({ [field]: zero })).to.equal("zeroAddress");
    const taken = (world.nodeKeys.get(101) as Wallet).address;
    expect(await attempt({ node: taken })).to.equal("keyInUse");
    expect(await attempt({ meter: taken })).to.equal("keyInUse");
    expect(await attempt({ meter: node.address })).to.equal("keyInUse");
    // Another party's id or wallet, no signature, the other key's, and the other kind's.
    const elsewhere = { ...message, prosumer: 501 };
    for (const bad of [
      { id: 501 },
      { wallet: meter.address },
      { own: "0x12" },
      { own: read },
      { own: await proof(world, "meter", node, message) },
      { read: "0x12" },
      { read: own },
      { read: await proof(world, "node", meter, message) },
      { read: await proof(world, "meter", meter, elsewhere) },
      { read: await proof(world, "meter", meter, { ...message, wallet: node.address }) },
    ]) {
      expect(await attempt(bad), Object.keys(bad).join()).to.equal("noProofOfPossession");
    }
    await send(registry, "register", 500, wallet.address, node.address, meter.address, own, read);
    const party = await registry.getFunction("party").staticCall(500);
    const now = BigInt(await world.connection.networkHelpers.time.latest());
    expect(party.toArray()).to.deep.equal([wallet.address, now, node.address, 0n, meter.address, 0n]);
    const domain = registryDomain(world.deployment.chainId, world.deployment.registry);
    expect(await registry.getFunction("nodeKeyDigest").staticCall(500, wallet.address, 7n)).to.equal(
      nodeKeyDigest(domain, 500, wallet.address, 7n),
    );
    expect(await registry.getFunction("meterKeyDigest").staticCall(500, wallet.address, 7n)).to.equal(
      meterKeyDigest(domain, 500, wallet.address, 7n),
    );
  });

  it("rotates a lost node key, a meter and a wallet; a key never comes back", async () => {
    const wallet = await owner(world, 102);
    const mine = as(registry, wallet);
    const message = (rotation: bigint) => ({ prosumer: 102, wallet: wallet.address, rotation });
    const fresh = keyOf("fresh node", 2);
    const signature = await proof(world, "node", fresh, message(1n));
    expect(await refused("rotateNodeKey", 102, fresh.address, signature)).to.equal("notWalletOf");
    const replayed = await proof(world, "node", fresh, message(0n));
    expect(await by(mine, "rotateNodeKey", 102, fresh.address, replayed)).to.equal("noProofOfPossession");
    await send(mine, "rotateNodeKey", 102, fresh.address, signature);
    expect((await registry.getFunction("party").staticCall(102)).nodeKey).to.equal(fresh.address);
    const old = world.nodeKeys.get(102) as Wallet;
    const again = await proof(world, "node", old, message(2n));
    expect(await by(mine, "rotateNodeKey", 102, old.address, again)).to.equal("keyInUse");

    const meter = keyOf("fresh meter", 2);
    const read = await proof(world, "meter", meter, message(1n));
    expect(await refused("rotateMeterKey", 999, meter.address, read)).to.equal("notRegistered");
    expect(await refused("rotateMeterKey", 102, fresh.address, read)).to.equal("keyInUse");
    expect(await refused("rotateMeterKey", 102, `0x${"00".repeat(20)}`, read)).to.equal("zeroAddress");
    const stale = await proof(world, "meter", meter, message(0n));
    expect(await refused("rotateMeterKey", 102, meter.address, stale)).to.equal("noProofOfPossession");
    await send(registry, "rotateMeterKey", 102, meter.address, read);
    const { meterKey, meterRotations, rotations } = await registry.getFunction("party").staticCall(102);
    expect([meterKey, meterRotations, rotations]).to.deep.equal([meter.address, 1n, 1n]);

    expect(await refused("rotateWallet", 102, fresh.address)).to.equal("notWalletOf");
    expect(await by(mine, "rotateWallet", 102, `0x${"00".repeat(20)}`)).to.equal("zeroAddress");
    await send(mine, "rotateWallet", 102, keyOf("fresh wallet", 2).address);
    const party = await registry.getFunction("party").staticCall(102);
    expect(await registry.getFunction("walletOf").staticCall(102)).to.equal(keyOf("fresh wallet", 2).address);
    expect(party.since).to.equal(BigInt(await world.connection.networkHelpers.time.latest()));
  });

  it("recovers a lost wallet by whom it has named, when the exit time has passed, and nobody else", async () => {
    const { time } = world.connection.networkHelpers;
    const [recoverer, fresh] = [keyOf("recoverer", 1).connect(world.provider), keyOf("recovered", 1)];
    await world.admin.sendTransaction({ to: recoverer.address, value: 10n ** 18n });
    const [mine, theirs] = [as(registry, await owner(world, 103)), as(registry, recoverer)];
    // Unless the wallet has named somebody there is no way to it, for whoever holds the roles neither.
    expect(await refused("announceRecovery", 103, fresh.address)).to.equal("notRecovererOf");
    expect(await refused("nameRecoverer", 103, recoverer.address)).to.equal("notWalletOf");
    expect(await refused("recoverWallet", 103)).to.equal("noRecovery");
    await send(mine, "nameRecoverer", 103, recoverer.address);
    expect(await refused("recoverWallet", 103)).to.equal("noRecovery");
    expect(await by(theirs, "announceRecovery", 103, `0x${"00".repeat(20)}`)).to.equal("zeroAddress");
    expect(await by(mine, "cancelRecovery", 103)).to.equal("noRecovery");
    const started = async (): Promise<bigint> => (await registry.getFunction("recovery").staticCall(103)).effectiveAt;
    await send(theirs, "announceRecovery", 103, keyOf("recovered", 2).address);
    await time.increase(1000);
    // A second announcement waits anew.
    await send(theirs, "announceRecovery", 103, fresh.address);
    expect(await started()).to.equal(BigInt((await time.latest()) + EXIT_TIME));
    expect(await refused("cancelRecovery", 103)).to.equal("notWalletOf");
    await send(mine, "cancelRecovery", 103);
    await time.increase(EXIT_TIME);
    expect(await refused("recoverWallet", 103)).to.equal("noRecovery");
    await send(theirs, "announceRecovery", 103, fresh.address);
    await send(mine, "nameRecoverer", 103, recoverer.address);
    expect(await started()).to.equal(0n);
    await send(theirs, "announceRecovery", 103, fresh.address);
    const effectiveAt = await started();
    expect((await registry.getFunction("recovery").staticCall(103)).toArray()).to.deep.equal([
      recoverer.address,
      fresh.address,
      effectiveAt,
    ]);
    await time.setNextBlockTimestamp(effectiveAt - 1n);
    const early = registry.getFunction("recoverWallet").send(103, { gasLimit: 1_000_000 });
    const refusal = await refusalOf(
      registry,
      early.then((response) => response.wait()),
    );
    expect(refusal).to.deep.equal({ predicate: "recoveryTooEarly", detail: [effectiveAt] });
    await time.setNextBlockTimestamp(effectiveAt);
    await send(registry, "recoverWallet", 103);
    expect(await registry.getFunction("walletOf").staticCall(103)).to.equal(fresh.address);
    const { validUntil } = await registeredLimits(world.contracts.market, 103);
    expect(validUntil, "the old wallet's promise").to.equal(0n);
    // The recoverer was the old wallet's choice.
    expect(await by(theirs, "announceRecovery", 103, fresh.address)).to.equal("notRecovererOf");
  });

  it("refuses a bogus grid model", async () => {
    const model = Grid.encode(lineGrid(ids, 5));
    const changed = (at: number, bytes: number[]): string => {
      const copy = Uint8Array.from(model);
      copy.set(bytes, at);
      return hexlify(copy);
    };
    const bus = (k: number): number => 4 + 32 * (k - 1);
    const entries = 4 + 32 * 4;
    expect(await refused("addGridModel", "0x000100")).to.equal("gridModelLength");
    expect(await refused("addGridModel", "0x00000000")).to.equal("gridModelLength");
    expect(await refused("addGridModel", concat([model, "0x00"]))).to.equal("gridModelLength");
    expect(await refused("addGridModel", changed(bus(2) + 1, [0, 2]))).to.equal("gridModelParent");
    expect(await refused("addGridModel", changed(bus(2), [1]))).to.equal("gridModelBand");
    expect(await refused("addGridModel", changed(bus(2) + 13, [0, 0, 0, 0, 0]))).to.equal("gridModelBand");
    const [low, high] = [Array.from(model.subarray(bus(2) + 8, bus(2) + 13)), bus(2) + 13];
    expect(await refused("addGridModel", changed(high, low))).to.equal("gridModelBand");
    expect(await refused("addGridModel", changed(entries + 12 * 3 + 4, [0, 5]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries, [0, 0, 0, 0]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 12, [0, 0, 0, 101]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 4, [0, 5]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 4, [0, 4]))).to.equal("gridModelProsumer");
    const last = entries + 12 * (ids.length - 1);
    expect(await refused("addGridModel", changed(last, [0xff, 0xff, 0xff, 0xfd]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(last, [0xff, 0xff, 0xff, 0xfc]))).to.equal("gridModelProsumer");
    await call(registry, "addGridModel", changed(last, [0xff, 0xff, 0xff, 0xfb]));
    // As many prosumers as a freeze takes up, and one more.
    await call(registry, "addGridModel", Grid.encode(lineGrid(idsOf(256), 5)));
    const { predicate, detail } = await refusalOf(
      registry,
      call(registry, "addGridModel", Grid.encode(lineGrid(idsOf(257), 5))),
    );
    expect([predicate, ...detail]).to.deep.equal(["gridModelProsumer", 256n]);
    const huge = Grid.encode(lineGrid(ids, 770));
    expect(await refused("addGridModel", hexlify(huge))).to.equal("blobTooLong");
    expect(Grid.decode(model)).to.deep.equal(lineGrid(ids, 5));
    // Enough to check the model, not enough to store it: the creation fails and what is left reports it.
    const large = hexlify(Grid.encode(lineGrid(ids, 700)));
    const outcomes = new Set<string>();
    for (let gasLimit = 4_000_000; gasLimit <= 12_000_000; gasLimit += 500_000) {
      const starved = registry.getFunction("addGridModel").staticCall(large, { gasLimit });
      outcomes.add(
        await refusalOf(registry, starved).then(
          ({ predicate }) => predicate,
          () => "out of gas, or stored",
        ),
      );
    }
    expect([...outcomes]).to.include("blobNotStored");
    await send(registry, "addGridModel", "0x00010000");
  });
});
