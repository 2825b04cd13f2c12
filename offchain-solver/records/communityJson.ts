/**
 * community.json: what a community calls itself, its clock and its members. Private: names are nobody's business but
 * the community's.
 */
import * as z from "zod";

export const CommunityJsonSchema = z.strictObject({
  name: z.string().min(1),
  /** IANA name of the clock that its days and tariffs follow. */
  timeZone: z.string().min(1),
  /** Three letters; what the scenario calls $ is this. */
  currency: z.string().length(3),
  /** The local day of the session, YYYY-MM-DD. */
  date: z.string(),
  members: z.array(
    z.strictObject({
      /** Id in the scenario and on chain. */
      prosumer: z.int().positive(),
      id: z.string().min(1),
      name: z.string().min(1),
    }),
  ),
});

export type CommunityJson = z.infer<typeof CommunityJsonSchema>;
