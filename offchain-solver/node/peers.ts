/** Where the other parties listen, from a file that everybody may know; who they are says the registry. */
import * as z from "zod";
import { readJson } from "../io/readJson.ts";

export const PeersSchema = z.strictObject({
  parties: z.array(
    z.strictObject({
      party: z.int().positive().max(0xffffffff),
      host: z.string().min(1),
      port: z.int().min(1).max(65_535),
    }),
  ),
});
export type Peers = z.infer<typeof PeersSchema>["parties"];

export const readPeers = (file: string): Peers => readJson(file, PeersSchema).parties;
