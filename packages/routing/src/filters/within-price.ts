import type { Filter } from "./filter.ts";

/** Neither a million tokens of input nor of output may cost more than the request allows. */
export const withinPrice: Filter = {
  name: "within-price",
  reject({ target }, { request }) {
    const cap = request.wishes.maxPrice;
    if (cap === undefined) return undefined;
    const price = Math.max(target.price.input, target.price.output);
    return price <= cap ? undefined : `costs up to ${price} USD per million tokens, the cap is ${cap}`;
  },
};
