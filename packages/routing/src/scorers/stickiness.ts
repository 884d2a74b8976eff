import { unitHash } from "../hash.ts";
import type { Scorer } from "./scorer.ts";

/**
 * Keeps the jobs of one session (`metadata.session`, else `metadata.user`) of a tenant on one target: 1 for the
 * greatest hash of session and target, 1/2 for the second, and so on (rendezvous hashing), so that a target that
 * comes or goes moves only its own sessions. Without a session it says nothing.
 */
export const stickiness: Scorer = {
  name: "stickiness",
  score(candidates, scores, { request }) {
    const session = request.metadata["session"] ?? request.metadata["user"];
    if (session === undefined) {
      scores.fill(1);
      return;
    }
    const key = `${request.tenant}\n${session}`;
    const hashes = candidates.map(
      ({ target }) => unitHash(key, target.id) ** (1 / Math.max(target.weight, 1e-9)),
    );
    const ranked = [...candidates.keys()].sort((a, b) => (hashes[b] ?? 0) - (hashes[a] ?? 0) || a - b);
    for (const [rank, i] of ranked.entries()) scores[i] = 1 / (rank + 1);
  },
};
