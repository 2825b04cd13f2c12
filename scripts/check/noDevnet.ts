/**
 * Hooks of the suite in whose process nobody may open the simulated network (mocha --require): the first test after
 * which it is open fails, and its file is named.
 */
type Test = { readonly currentTest?: { readonly file?: string; readonly title: string } };

/** `hardhatOfProject` sets it before it loads Hardhat. */
const opened = (): boolean => process.env.HARDHAT_CONFIG !== undefined;
let said = opened();

export const mochaHooks = {
  afterEach(this: Test): void {
    if (said || !opened()) return;
    said = true;
    const file = this.currentTest?.file ?? "a test file";
    throw new Error(`${file} opens the simulated network: it belongs in ON_DEVNET of scripts/check/onDevnet.ts`);
  },
};
