/** Whose signatures count under a batch, and which form they have. */
import { expect } from "chai";
import { concat, getBytes, hexlify, Signature } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { packSignatures, quorumOf } from "../../offchain-solver/codec/typedData.ts";
import { BASE, PERIODS } from "../support/baseBatch.ts";
import { seat } from "../support/calls.ts";
import { BUNDLE, freeze, refusalOf, sign } from "../support/world.ts";
import { committeeBatch, encode } from "../support/committeeBatch.ts";

for (const reference of [true, false]) {
  describe(`signatures that are not a quorum's, ${reference ? "plain" : "optimised"} market`, () => {
    const { made, everybody, refusals } = committeeBatch(reference);
    async function refusal(payload: Uint8Array, signers: number, signatures: string): Promise<[string, string]> {
      const { onChain, verdict } = await refusals(payload, signers, signatures);
      return [onChain.predicate, verdict.kind === "invalid" ? verdict.predicate : verdict.kind];
    }
    const payload = encode(BASE);
    const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

    it("a signature of another payload: badSignature", async () => {
      const other = encode({ ...BASE, systems: 7, reactiveVar: BASE.reactiveVar.map(() => [0, 0]) });
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, other, everybody()));
      expect(await refusal(payload, signers, signatures)).to.deep.equal(["badSignature", "badSignature"]);
    });

    it("two signatures exchanged: badSignature", async () => {
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      const raw = getBytes(signatures);
      const swapped = concat([raw.subarray(64, 128), raw.subarray(0, 64), raw.subarray(128)]);
      expect(await refusal(payload, signers, swapped)).to.deep.equal(["badSignature", "badSignature"]);
    });

    it("one member's signature under another's bit: badSignature", async () => {
      const signed = await sign(made.world, made.frozen, payload, [0, 1, 2, 3, 4]);
      const moved = new Map([...signed].map(([bit, signature]) => [bit === 4 ? 5 : bit, signature]));
      const { signers, signatures } = packSignatures(moved);
      expect(await refusal(payload, signers, signatures)).to.deep.equal(["badSignature", "badSignature"]);
    });

    it("the malleable twin of a signature: badSignature", async () => {
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      const raw = getBytes(signatures);
      const first = Signature.from(hexlify(raw.subarray(0, 64)));
      const s = ORDER - BigInt(first.s);
      const vs = s | (first.yParity === 0 ? 1n << 255n : 0n);
      const twin = concat([
        first.r,
        `0x${(vs & ((1n << 256n) - 1n)).toString(16).padStart(64, "0")}`,
        raw.subarray(64),
      ]);
      expect(await refusal(payload, signers, twin)).to.deep.equal(["badSignature", "badSignature"]);
    });

    it("zeros, of which no signer can be recovered: badSignature", async () => {
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      const zeros = concat([new Uint8Array(64), getBytes(signatures).subarray(64)]);
      expect(await refusal(payload, signers, zeros)).to.deep.equal(["badSignature", "badSignature"]);
    });

    it("a bit beyond the committee: unknownMember", async () => {
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      const more = concat([signatures, new Uint8Array(64)]);
      expect(await refusal(payload, signers + 2 ** 6, more)).to.deep.equal(["unknownMember", "unknownMember"]);
      expect(await refusal(payload, signers + 2 ** 31, more)).to.deep.equal(["unknownMember", "unknownMember"]);
    });

    it("a signature too many or a byte too few: signaturesLength", async () => {
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      for (const wrong of [concat([signatures, new Uint8Array(64)]), hexlify(getBytes(signatures).subarray(1))]) {
        expect(await refusal(payload, signers, wrong)).to.deep.equal(["signaturesLength", "signaturesLength"]);
      }
    });

    it("every subset one short of the quorum: quorumNotReached", async () => {
      const signed = await sign(made.world, made.frozen, payload, everybody());
      const quorum = quorumOf(made.world.committee.length);
      let subsets = 0;
      for (let mask = 0; mask < 2 ** made.world.committee.length; mask++) {
        const short = new Map([...signed].filter(([bit]) => (mask >> bit) & 1));
        if (short.size !== quorum - 1) continue;
        const { signers, signatures } = packSignatures(short);
        expect(await refusal(payload, signers, signatures)).to.deep.equal(["quorumNotReached", "quorumNotReached"]);
        subsets++;
      }
      expect(subsets).to.equal(20);
    });

    it("nobody's: quorumNotReached", async () => {
      expect(await refusal(payload, 0, "0x")).to.deep.equal(["quorumNotReached", "quorumNotReached"]);
    });

    it("a committee that was replaced before the session was frozen: badSignature", async () => {
      const snapshot = await made.world.connection.networkHelpers.takeSnapshot();
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      await made.world.connection.networkHelpers.time.increaseTo(made.frozen.terms.deadline + 1n);
      await seat(made.world, made.world.committee);
      const next = await freeze(made.world, PERIODS);
      const call = made.world.contracts.market
        .getFunction("settle")
        .staticCall(hexlify(payload), BUNDLE, signers, signatures);
      expect(next.terms.epoch).to.equal(made.frozen.terms.epoch + 1n);
      expect((await refusalOf(made.world.contracts.market, call)).predicate).to.equal("badSignature");
      await snapshot.restore();
    });

    it("a paused market: settlementPaused, and the exit stays open", async () => {
      const snapshot = await made.world.connection.networkHelpers.takeSnapshot();
      const { market } = made.world.contracts;
      await send(market, "setPaused", true);
      const { signers, signatures } = packSignatures(await sign(made.world, made.frozen, payload, everybody()));
      const call = market.getFunction("settle").staticCall(hexlify(payload), BUNDLE, signers, signatures);
      expect((await refusalOf(market, call)).predicate).to.equal("settlementPaused");
      const wallet = made.world.wallets.get(101)?.connect(made.world.provider);
      await made.world.admin.sendTransaction({ to: wallet?.address as string, value: 10n ** 18n });
      await market
        .connect(wallet as never)
        .getFunction("requestWithdrawal")
        .send(101, 1_000_000n);
      await made.world.connection.networkHelpers.time.increase(3 * 86_400 + 1);
      await send(market, "withdraw", 101);
      expect(await made.world.contracts.token.getFunction("balanceOf").staticCall(wallet?.address)).to.equal(
        1_000_000n,
      );
      await snapshot.restore();
    });
  });
}
