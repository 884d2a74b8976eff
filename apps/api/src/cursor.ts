import { type IdKind, isId, SluiceError } from "@sluice/domain";

/** Checks the cursor of a list. Throws `invalid_value` when it is no id of what is listed. */
export function checkCursor(kind: IdKind, after: string | undefined): void {
  if (after === undefined || isId(kind, after)) return;
  throw new SluiceError("invalid_value", `'after' must be the id of a ${kind}.`, { param: "after" });
}
