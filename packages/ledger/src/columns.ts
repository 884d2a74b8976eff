/** How a column is written: `timestamptz` from ms since 1970, `jsonb` and `json` from plain values, `uuid` without prefix. */
export type ColumnType =
  | "uuid"
  | "text"
  | "int2"
  | "int4"
  | "float8"
  | "numeric"
  | "bool"
  | "timestamptz"
  | "jsonb"
  | "json"
  | "bytea";

/** One column of a multi-row statement and how an item fills it; `undefined` is NULL. */
export interface Column<Item> {
  readonly name: string;
  readonly type: ColumnType;
  readonly value: (item: Item) => unknown;
}

/** `"` and `\` are all that an array literal asks to escape inside quotes. */
function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}

function element(type: ColumnType, value: unknown): string {
  if (value === undefined) return "NULL";
  switch (type) {
    case "uuid":
    case "int2":
    case "int4":
    case "float8":
    case "numeric":
    case "bool":
      return String(value);
    case "timestamptz":
      return `"${new Date(value as number).toISOString()}"`;
    case "text":
      return quoted(value as string);
    case "json":
    case "jsonb":
      return quoted(JSON.stringify(value));
    case "bytea":
      return `"\\\\x${(value as Buffer).toString("hex")}"`;
  }
}

/** A PostgreSQL array literal of one type. */
function arrayLiteral(type: ColumnType, values: readonly unknown[]): string {
  return `{${values.map((value) => element(type, value)).join(",")}}`;
}

/** An array literal of UUIDs. */
export function uuids(values: readonly string[]): string {
  return `{${values.join(",")}}`;
}

/**
 * Columns as `unnest($1::uuid[], $2::text[], …)` with an alias list: the text depends only on the columns,
 * not on the number of rows. Parameters are numbered from `first`.
 */
export function unnest<Item>(columns: readonly Column<Item>[], alias: string, first = 1): string {
  const parameters = columns.map(({ type }, index) => `$${first + index}::${type}[]`);
  const names = columns.map(({ name }) => name);
  return `unnest(${parameters.join(", ")}) WITH ORDINALITY AS ${alias}(${names.join(", ")}, ord)`;
}

/** The parameters that go with {@link unnest}. */
export function parametersOf<Item>(columns: readonly Column<Item>[], items: readonly Item[]): string[] {
  return columns.map(({ type, value }) => arrayLiteral(type, items.map(value)));
}

/** Names separated by commas, for column lists. */
export function nameList(columns: readonly Column<never>[], prefix = ""): string {
  return columns.map(({ name }) => prefix + name).join(", ");
}
