/** Where the other parties listen, from a file that everybody may know; who they are says the registry. */
import * as z from "zod";
import { readJson } from "../io/readJson.ts";

export const PeersSchema = z.strictObject({
  parties: z.array(
    z.strictObject({
      party: z.int().positive().max(0xffffffff),
      /** Over TLS; at a broker nobody listens. */
      host: z.string().min(1).optional(),
      port: z.int().min(1).max(65_535).optional(),
    }),
  ),
});
export type Peers = z.infer<typeof PeersSchema>["parties"];

export const readPeers = (file: string): Peers => readJson(file, PeersSchema).parties;
