import { expect, test } from "vitest";
import { renderAnthropicModels } from "./model-views.ts";

const ids = ["a", "b", "c", "d", "e"];
function page(query: { after_id?: string; before_id?: string }, limit = 2) {
  const { data, ...rest } = renderAnthropicModels(ids, { limit, ...query });
  return { ...rest, data: (data as { id: string }[]).map(({ id }) => id).join("") };
}

test("models page forwards behind a cursor and backwards before one", () => {
  expect(page({})).toEqual({ data: "ab", has_more: true, first_id: "a", last_id: "b" });
  expect(page({ after_id: "b" })).toMatchObject({ data: "cd", has_more: true });
  expect(page({ after_id: "d" })).toEqual({ data: "e", has_more: false, first_id: "e", last_id: "e" });
  expect(page({ before_id: "d" })).toMatchObject({ data: "bc", has_more: true });
  expect(page({ before_id: "c" })).toMatchObject({ data: "ab", has_more: false });
  expect(page({ after_id: "e" })).toEqual({ data: "", has_more: false, first_id: null, last_id: null });
  expect(page({}, 10)).toMatchObject({ data: "abcde", has_more: false });
});
