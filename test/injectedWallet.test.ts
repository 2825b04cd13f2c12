import { expect } from "chai";
import { injectedSigner, WalletChanged, type InjectedWallet } from "../offchain-solver/chain/injected.ts";

const ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const TYPES = { Note: [{ name: "text", type: "string" }] };

/** A wallet that goes to another chain and tells nobody, where every call is answered as if all were well. */
function wandering() {
  const asked: string[] = [];
  let chainId = "0x7a69";
  const answers: Readonly<Record<string, unknown>> = {
    eth_accounts: [ADDRESS],
    eth_estimateGas: "0x5208",
    eth_call: "0x",
    eth_blockNumber: "0x1",
    eth_sendTransaction: `0x${"11".repeat(32)}`,
    eth_signTypedData_v4: `0x${"22".repeat(65)}`,
  };
  const wallet = {
    request({ method }: { method: string }): Promise<unknown> {
      if (/send|sign/i.test(method)) asked.push(method);
      return Promise.resolve(method === "eth_chainId" ? chainId : (answers[method] ?? null));
    },
  } as InjectedWallet;
  return { wallet, asked, wander: (): void => void (chainId = "0x1") };
}

async function thrown(act: () => Promise<unknown>): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a browser's wallet as a signer", () => {
  it("signs on the chain that was shown, and nothing once it has left it", async () => {
    const { wallet, asked, wander } = wandering();
    const signer = await injectedSigner(wallet, ADDRESS, 31_337n, () => true);
    expect(await signer.signTypedData({ name: "A" }, TYPES, { text: "hello" })).to.match(/^0x/);
    expect(asked).to.deep.equal(["eth_signTypedData_v4"]);
    wander();
    expect(await thrown(() => signer.sendTransaction({ to: ADDRESS, value: 1n }))).to.be.instanceOf(WalletChanged);
    const late = await injectedSigner(wallet, ADDRESS, 31_337n, () => true);
    expect(await thrown(() => late.sendTransaction({ to: ADDRESS, value: 1n }))).to.be.instanceOf(WalletChanged);
    expect(asked).to.deep.equal(["eth_signTypedData_v4"]);
  });

  it("signs nothing once it has gone to another address", async () => {
    const { wallet, asked } = wandering();
    let still = true;
    const signer = await injectedSigner(wallet, ADDRESS, 31_337n, () => still);
    still = false;
    expect(await thrown(() => signer.sendTransaction({ to: ADDRESS, value: 1n }))).to.be.instanceOf(WalletChanged);
    expect(asked).to.deep.equal([]);
  });
});
