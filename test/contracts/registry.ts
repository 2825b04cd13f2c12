import { expect } from "chai";
import { concat, type Contract, hexlify, type Wallet } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { nodeKeyDigest, NODE_KEY_TYPES, quorumOf, registryDomain } from "../../offchain-solver/codec/typedData.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
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
  const proof = (node: Wallet, id: number, wallet: string, rotation: bigint): Promise<string> =>
    node.signTypedData(registryDomain(world.deployment.chainId, world.deployment.registry), NODE_KEY_TYPES, {
      prosumer: id,
      wallet,
      rotation,
    });

  it("takes a party once, with keys nobody else uses and a proof that its node key is its own", async () => {
    const [node, meter, wallet] = ["n", "m", "w"].map((name) => keyOf(`registry ${name}`, 1));
    const good = await proof(node, 500, wallet.address, 0n);
    const zero = `0x${"00".repeat(20)}`;
    expect(await refused("register", 101, wallet.address, node.address, meter.address, good)).to.equal(
      "alreadyRegistered",
    );
    expect(await refused("register", 500, zero, node.address, meter.address, good)).to.equal("zeroAddress");
    expect(await refused("register", 500, wallet.address, zero, meter.address, good)).to.equal("zeroAddress");
    expect(await refused("register", 500, wallet.address, node.address, zero, good)).to.equal("zeroAddress");
    expect(await refused("register", 500, wallet.address, node.address, node.address, good)).to.equal("keyInUse");
    const taken = (world.nodeKeys.get(101) as Wallet).address;
    expect(await refused("register", 500, wallet.address, taken, zero, good)).to.equal("zeroAddress");
    expect(await refused("register", 500, wallet.address, taken, meter.address, good)).to.equal("keyInUse");
    expect(await refused("register", 501, wallet.address, node.address, meter.address, good)).to.equal(
      "noProofOfPossession",
    );
    expect(await refused("register", 500, meter.address, node.address, meter.address, good)).to.equal(
      "noProofOfPossession",
    );
    expect(await refused("register", 500, wallet.address, node.address, meter.address, "0x12")).to.equal(
      "noProofOfPossession",
    );
    await send(registry, "register", 500, wallet.address, node.address, meter.address, good);
    const party = await registry.getFunction("party").staticCall(500);
    expect([party.wallet, party.nodeKey, party.meterKey, party.rotations]).to.deep.equal([
      wallet.address,
      node.address,
      meter.address,
      0n,
    ]);
    const domain = registryDomain(world.deployment.chainId, world.deployment.registry);
    expect(await registry.getFunction("nodeKeyDigest").staticCall(500, wallet.address, 0n)).to.equal(
      nodeKeyDigest(domain, 500, wallet.address, 0n),
    );
  });

  it("rotates a lost node key, a meter and a wallet; a key never comes back", async () => {
    const wallet = (world.wallets.get(102) as Wallet).connect(world.provider);
    await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
    const mine = registry.connect(wallet) as Contract;
    const fresh = keyOf("fresh node", 2);
    const signature = await proof(fresh, 102, wallet.address, 1n);
    expect(await refused("rotateNodeKey", 102, fresh.address, signature)).to.equal("notWalletOf");
    const replayed = await proof(fresh, 102, wallet.address, 0n);
    const early = mine.getFunction("rotateNodeKey").staticCall(102, fresh.address, replayed);
    expect((await refusalOf(registry, early)).predicate).to.equal("noProofOfPossession");
    await send(mine, "rotateNodeKey", 102, fresh.address, signature);
    expect((await registry.getFunction("party").staticCall(102)).nodeKey).to.equal(fresh.address);
    const old = world.nodeKeys.get(102) as Wallet;
    const back = mine
      .getFunction("rotateNodeKey")
      .staticCall(102, old.address, await proof(old, 102, wallet.address, 2n));
    expect((await refusalOf(registry, back)).predicate).to.equal("keyInUse");

    expect(await refused("rotateMeterKey", 999, fresh.address)).to.equal("notRegistered");
    expect(await refused("rotateMeterKey", 102, fresh.address)).to.equal("keyInUse");
    expect(await refused("rotateMeterKey", 102, `0x${"00".repeat(20)}`)).to.equal("zeroAddress");
    await send(registry, "rotateMeterKey", 102, keyOf("fresh meter", 2).address);
    expect((await registry.getFunction("party").staticCall(102)).meterKey).to.equal(keyOf("fresh meter", 2).address);
    const zero = mine.getFunction("rotateWallet").staticCall(102, `0x${"00".repeat(20)}`);
    expect((await refusalOf(registry, zero)).predicate).to.equal("zeroAddress");
    await send(mine, "rotateWallet", 102, keyOf("fresh wallet", 2).address);
    expect(await registry.getFunction("walletOf").staticCall(102)).to.equal(keyOf("fresh wallet", 2).address);
  });

  it("appoints 1 to 31 distinct registered members, and two of their quorums share an honest one", async () => {
    expect(await refused("appointCommittee", [])).to.equal("committeeSize");
    expect(
      await refused(
        "appointCommittee",
        Array.from({ length: 32 }, (_, k) => k + 1),
      ),
    ).to.equal("committeeSize");
    expect(await refused("appointCommittee", [101, 102, 101])).to.equal("committeeRepeats");
    expect(await refused("appointCommittee", [101, 999])).to.equal("notRegistered");
    for (let members = 1; members <= 4; members++) {
      await send(registry, "appointCommittee", ids.slice(0, members));
      const committee = await registry.getFunction("committee").staticCall();
      expect(committee.quorum).to.equal(BigInt(quorumOf(members)));
      expect(committee.members).to.equal(BigInt(members));
    }
    for (let n = 1; n <= 31; n++) {
      const faulty = Math.floor((n - 1) / 3);
      expect(2 * quorumOf(n) - n, `${n} members`).to.be.greaterThan(faulty);
      expect(quorumOf(n), `${n} members`).to.be.at.most(n - faulty);
    }
  });

  it("appoints as many as 31", async () => {
    const large = await createWorld({ prosumers: 30, dollars: 0 });
    const committee = await large.contracts.registry.getFunction("committee").staticCall();
    expect([committee.members, committee.quorum]).to.deep.equal([31n, BigInt(quorumOf(31))]);
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
    expect(await refused("addGridModel", changed(entries + 6 * 3 + 4, [0, 5]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries, [0, 0, 0, 0]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 6, [0, 0, 0, 101]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 4, [0, 5]))).to.equal("gridModelProsumer");
    expect(await refused("addGridModel", changed(entries + 4, [0, 4]))).to.equal("gridModelProsumer");
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
