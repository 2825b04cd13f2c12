/** `npm run network:fuzz -- [COUNT] [SEED]`: so many fuzzed messages to a host over TLS, and as many over NATS. */
import { fuzzNats, fuzzTls } from "../../test/support/fuzzHosts.ts";

const [count, seed] = [Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 1)];
const [tls, nats] = [await fuzzTls(count, seed), await fuzzNats(count, seed)];
process.stdout.write(`${JSON.stringify({ seed, tls, nats }, null, 1)}\n`);
