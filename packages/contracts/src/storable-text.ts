/** Whether a text can be kept as it is: PostgreSQL holds no NUL, and half a surrogate pair is no character of UTF-8. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** What is said of one that cannot, after its name. */
export const notStorable = "must not hold NUL or half of a surrogate pair";
