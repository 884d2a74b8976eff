import { idFromUuid, type LanePointer } from "@sluice/domain";

/** What a pointer is made of. */
export interface PointerRow {
  readonly id: string;
  readonly model: string;
  readonly effectiveDeadlineAt: number;
  readonly notBeforeAt: number | null;
}

/** The columns of {@link PointerRow}. The moment of a park holds no pointer back: its waiter may be lost. */
export const pointerColumns = `l.id, l.model, l.effective_deadline_at,
  CASE WHEN l.waiting_for IS NULL THEN l.not_before_at END AS not_before_at`;

export function pointerOf({ id, model, effectiveDeadlineAt, notBeforeAt }: PointerRow): LanePointer {
  return { jobId: idFromUuid("job", id), model, effectiveDeadlineAt, notBeforeAt: notBeforeAt ?? undefined };
}
