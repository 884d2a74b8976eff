import type { ConfigPath, Finding } from "../config-error.ts";
import type { Outline } from "./outline.ts";

/** Shows the value at a path as an error may show it. */
export type Show = (path: ConfigPath, value: unknown) => string;

/** A check across fields: pure, never stops at the first finding. */
export type Check = (outline: Outline, show: Show) => readonly Finding[];
