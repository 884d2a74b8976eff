import { parseDuration } from "@sluice/config";
import { CliError } from "../context.ts";

/** A whole number within bounds. Throws {@link CliError} naming the flag. */
export function integerOf(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  throw new CliError(`--${flag} must be a whole number ${bounds}.`, 2);
}

/** A number above zero. */
export function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new CliError(`--${flag} must be a number above zero.`, 2);
}

/** A duration in ms. */
export function durationOf(flag: string, text: string): number {
  const value = parseDuration(text);
  if (value !== undefined && value > 0) return value;
  throw new CliError(`--${flag} must be a duration like 30s, 15m or 24h.`, 2);
}

/** Names with their shares, such as `interactive=0.7,standard=0.3`; they need not add up to 1. */
export function sharesOf(flag: string, text: string): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const part of text.split(",")) {
    const [name = "", share = ""] = part.split("=");
    const value = Number(share);
    if (name === "" || share === "" || !(value > 0))
      throw new CliError(`--${flag} must be like interactive=0.7,standard=0.3.`, 2);
    shares.set(name, value);
  }
  return shares;
}
