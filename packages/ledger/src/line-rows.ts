import { type BatchLine, idFromUuid } from "@sluice/domain";

/** A live job with the line of a batch that it may answer. */
export interface LineRow {
  readonly id: string;
  readonly batchId: string | null;
  readonly line: number | null;
  readonly customId: string | null;
}

export function lineOf({ batchId, line, customId }: LineRow): BatchLine | undefined {
  if (batchId === null) return undefined;
  return { batchId: idFromUuid("batch", batchId), line: line ?? 0, customId: customId ?? "" };
}
