import type { Output } from "../context.ts";

/** Lines with, below them on a terminal, one line that is drawn over and over. */
export interface Terminal {
  /** Whether a line that changes in place can be shown. */
  readonly isLive: boolean;
  readonly columns: number;
  /** Writes a line for good. */
  say(line: string): void;
  /** Draws the changing line anew; `undefined` takes it away. Does nothing when the output is no terminal. */
  draw(line: string | undefined): void;
}

const clearLine = "\r\u001b[2K";
const usualColumns = 80;

/** Writes to `output`. */
export function createTerminal(output: Output): Terminal {
  const isLive = output.isTTY === true;
  let drawn: string | undefined;
  return {
    isLive,
    get columns() {
      return output.columns ?? usualColumns;
    },
    say(line) {
      output.write(drawn === undefined ? `${line}\n` : `${clearLine}${line}\n${drawn}`);
    },
    draw(line) {
      if (!isLive || line === drawn) return;
      output.write(`${drawn === undefined ? "" : clearLine}${line ?? ""}`);
      drawn = line;
    },
  };
}
