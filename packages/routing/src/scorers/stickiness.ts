import type { RouteRequest } from "@sluice/domain";
import { weightOf } from "../candidate.ts";
import { byGreatest, shareKey } from "../hash.ts";
import type { Scorer } from "./scorer.ts";

/**
 * Keeps the jobs of one session of a tenant on one target: 1 for the greatest hash of session and target, 1/2 for the
 * second, and so on (rendezvous hashing), so that a target that comes or goes moves only its own sessions. Without a
 * session it says nothing.
 */
export const stickiness: Scorer = {
  name: "stickiness",
  score(candidates, scores, { request }) {
    const session = sessionOf(request);
    if (session === undefined) {
      scores.fill(1);
      return;
    }
    const keys = candidates.map((each) => shareKey(session, each.target.id, weightOf(each)));
    for (const [rank, i] of byGreatest(keys).entries()) scores[i] = 1 / (rank + 1);
  },
};

/** Names the session of a job among all tenants': `metadata.session`, else `metadata.user`. */
export function sessionOf({ tenant, metadata }: RouteRequest): string | undefined {
  const session = metadata["session"] ?? metadata["user"];
  return session === undefined ? undefined : `${tenant}\n${session}`;
}
