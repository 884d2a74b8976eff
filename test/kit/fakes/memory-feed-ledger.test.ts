import { idFromUuid } from "@sluice/domain";
import { feedConformance } from "../feed-conformance.ts";
import { sampleJob } from "../samples.ts";
import { createMemoryFeedLedger } from "./memory-feed-ledger.ts";
import { createCountingIds } from "./records.ts";

feedConformance("the backlog in memory", async () => {
  const ledger = createMemoryFeedLedger();
  const ids = createCountingIds();
  return {
    ledger,
    epoch: 1,
    async put(standing, changes = {}) {
      const spec = { ...sampleJob, id: idFromUuid("job", ids.uuid()), ...changes };
      ledger.rows.set(spec.id, { spec, standing });
      return spec;
    },
  };
});
