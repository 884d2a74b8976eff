// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
/** Variables by name; an app passes its own `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Expansion =
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "expanded"; readonly text: string; readonly isWhole: boolean }
  | { readonly kind: "failed"; readonly says: string };

// `$${` is a literal `${`; a `${` that fits no form is caught by the last alternative.
const reference = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Expands `${NAME}` and `${NAME:-default}` in one scalar. As in a shell, `:-` also replaces an empty value; an
 * expanded value is not expanded again.
 */
export function expandEnv(text: string, env: Environment): Expansion {
  if (!text.includes("${")) return { kind: "plain", text };
  const matches = [...text.matchAll(reference)];
  let expanded = "";
  let end = 0;
  for (const match of matches) {
    const value = resolveReference(match, env);
    if (typeof value !== "string") return { kind: "failed", says: value.says };
    expanded += text.slice(end, match.index) + value;
    end = match.index + match[0].length;
  }
  expanded += text.slice(end);
  const isLiteral = matches.every((match) => match[0] === "$${");
  if (isLiteral) return { kind: "plain", text: expanded };
  return { kind: "expanded", text: expanded, isWhole: matches[0]?.[0] === text };
}

function resolveReference(match: RegExpExecArray, env: Environment): string | { says: string } {
  const [whole, name, fallback] = match;
  if (whole === "$${") return "${";
  if (name === undefined) return { says: "has a broken reference: write ${NAME} or ${NAME:-default}" };
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
  if (value !== undefined) return value;
  return {
    says: `needs the environment variable ${name}, which is not set: set it or write \${${name}:-default}`,
  };
}
