import { z } from "zod";
import { text } from "./requests.ts";

const greatestWeight = 1_000_000;
const weightMustBe = `must be a number from 0 to ${greatestWeight}, or null`;
const percentMustBe = "must be a number from 0 to 100";

/** Body of `POST /v1/pools/{pool}/targets/{target}/weight`; null takes a given weight back. */
export const targetWeightSchema = z.strictObject({
  weight: z
    .number({ error: weightMustBe })
    .min(0, { error: weightMustBe })
    .max(greatestWeight, { error: weightMustBe })
    .nullable(),
});

/** Body of `POST /v1/pools/{pool}/shift`: what share `to` gets of what both targets get together. */
export const shiftRequestSchema = z.strictObject({
  from: text(128),
  to: text(128),
  percent: z
    .number({ error: percentMustBe })
    .min(0, { error: percentMustBe })
    .max(100, { error: percentMustBe }),
});
