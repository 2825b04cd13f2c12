import { readFileSync } from "node:fs";
import { expect } from "chai";
import { type Contract, getBytes, type Interface, hexlify, TypedDataEncoder, keccak256 } from "ethers";
import { network } from "hardhat";
import { decodeDeltas } from "../../offchain-solver/ledger/deltas.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import { ATTESTATION_TYPES, MANDATE_TYPES, sessionHash } from "../../offchain-solver/codec/typedData.ts";
import { AUTHORITY, MARKET, REGISTRY, TOKEN } from "../../offchain-solver/codec/abi.ts";
import { abi, deploy } from "../support/artifacts.ts";

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));

describe("golden vectors", () => {
  const { state, payloads, unencodable } = read("payloads.json");
  const { mandates, sessions } = read("typedData.json");
  let lens: Contract;
  let hashes: Contract;
  before(async () => {
    const { ethers } = await network.create();
    const [signer] = await ethers.getSigners();
    lens = await deploy(signer, "AuditLens");
    hashes = await deploy(signer, "HashHarness");
  });

  it("a result has these bytes, and the bytes this result", () => {
    for (const { name, result, bytes } of payloads) {
      const payload = Payload.fromResult(result);
      expect(hexlify(Payload.encode(payload, result.periods)), name).to.equal(bytes);
      expect(Payload.decode(getBytes(bytes), result.periods), name).to.deep.equal(payload);
    }
  });

  it("Solidity settles or refuses each as TypeScript did", async () => {
    const places = new Map(Grid.decode(getBytes(state.grid)).prosumers.map((placed) => [placed.id, placed]));
    const anywhere = { bus: 0, absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR };
    const full = {
      terms: { ...state.terms, grid: state.grid, standingKnown: true, standing: state.standing },
      ids: state.accounts.map(([id]: [number]) => id),
      accounts: state.accounts.map(([, account]: [number, object]) => account),
      limits: state.limits.map(([id, limits]: [number, object]) => ({ ...limits, ...(places.get(id) ?? anywhere) })),
    };
    let [accepted, refused] = [0, 0];
    for (const vector of payloads) {
      const reason = await lens.getFunction("firstViolation").staticCall(full, vector.bytes);
      if (vector.refused) {
        const parsed = abi("AuditLens").parseError(reason);
        const name = `${parsed?.name[0].toLowerCase()}${parsed?.name.slice(1)}`;
        expect([name, parsed?.args.map(String)], vector.name).to.deep.equal([
          vector.refused.predicate,
          vector.refused.detail,
        ]);
        refused++;
      } else {
        expect(reason, vector.name).to.equal("0x");
        const [, deltas] = await lens.getFunction("execute").staticCall(full, vector.bytes);
        const decoded = decodeDeltas(getBytes(vector.bytes), getBytes(deltas));
        expect(
          decoded.map((delta) => ({ ...delta, money: `${delta.money}`, carbon: `${delta.carbon}` })),
        ).to.deep.equal(vector.deltas);
        accepted++;
      }
    }
    expect(Math.min(accepted, refused)).to.be.greaterThan(5);
  });

  it("what does not fit its bytes is refused by the encoder", () => {
    for (const { name, result, refused } of unencodable) {
      const refusal = attempt(() => Payload.encode(Payload.fromResult(result), result.periods));
      if (refusal instanceof Uint8Array) throw new Error(`${name}: there are bytes`);
      expect([refusal.predicate, refusal.detail.map(String)], name).to.deep.equal([refused.predicate, refused.detail]);
    }
  });

  it("mandates, sessions and attestations hash alike in TypeScript and Solidity", async () => {
    for (const { mandate, hash } of mandates) {
      expect(TypedDataEncoder.hashStruct("Mandate", MANDATE_TYPES, mandate)).to.equal(hash);
      expect(await hashes.getFunction("mandate").staticCall(mandate)).to.equal(hash);
    }
    for (const { terms, hash, payload, bundle, attestation } of sessions) {
      expect(sessionHash(terms)).to.equal(hash);
      expect(await hashes.getFunction("session").staticCall(terms)).to.equal(hash);
      const value = { session: terms, payload: keccak256(payload), bundle };
      expect(TypedDataEncoder.hashStruct("Attestation", ATTESTATION_TYPES, value)).to.equal(attestation);
      expect(await hashes.getFunction("attestation").staticCall(terms, payload, bundle)).to.equal(attestation);
    }
  });

  it("clients use the interfaces of the compiled contracts, no more and no less", () => {
    // Without the names of parameters, which a contract that only passes a call on does not have.
    const fragments = (of: Interface): string[] =>
      of
        .format(true)
        .filter((text) => !text.startsWith("constructor"))
        .sort();
    // What a market has that does seldom things in another contract.
    const passesOn = [
      "error AddressEmptyCode(address)",
      "error FailedCall()",
      "function extension() view returns (address)",
    ];
    for (const [own, compiled] of [
      [AUTHORITY, "Authority"],
      [REGISTRY, "Registry"],
      [MARKET, "Market"],
      [TOKEN, "TestToken"],
    ] as const)
      expect(fragments(own), `${compiled}: npm run generate`).to.deep.equal(fragments(abi(compiled)));
    expect(fragments(MARKET).filter((one) => !passesOn.includes(one))).to.deep.equal(fragments(abi("ReferenceMarket")));
    MARKET.forEachFunction(({ name, inputs }) =>
      expect(
        inputs.every((one) => one.name !== ""),
        name,
      ).to.equal(true),
    );
  });
});
