import { expect, test } from "vitest";
import { createTerminal } from "./terminal.ts";

function setup(isTTY: boolean) {
  let text = "";
  const terminal = createTerminal({ isTTY, columns: 40, write: (more) => (text += more) });
  return { terminal, text: () => text };
}

test("a line that is said while one is drawn stands above it", () => {
  const { terminal, text } = setup(true);
  terminal.draw("50 %");
  terminal.say("worker-1 was ended");
  terminal.draw("60 %");
  terminal.draw(undefined);
  const screen = text()
    .split("\n")
    .map((line) => line.split("\u001b[2K").at(-1));
  expect(screen).toEqual(["worker-1 was ended", ""]);
  expect(text()).toContain("worker-1 was ended\n50 %");
});

test("draws nothing where it is not a terminal", () => {
  const { terminal, text } = setup(false);
  terminal.draw("50 %");
  terminal.say("line");
  expect(text()).toBe("line\n");
});
