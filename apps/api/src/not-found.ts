import { SluiceError } from "@sluice/domain";

/** Thrown for an id that names nothing of the caller's tenant. */
export function notFound(id: string): SluiceError {
  return new SluiceError("not_found", `There is no '${id.slice(0, 64)}' here.`);
}
