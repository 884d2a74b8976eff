// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
import type { YAMLError } from "yaml";

// The parser's own sentences may quote the text around the fault, which may be a credential: ours do not.
const sentences: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS: "an alias (*name) is malformed or has no anchor",
  BAD_DQ_ESCAPE:
    "a text in double quotes has an unknown escape: write \\\\ for a backslash, or use single quotes",
  BAD_INDENT: "the indentation does not fit the lines above",
  BAD_SCALAR_START: "a value starts with a reserved character: put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a second key on this line: put it on its own line, or the value in quotes",
  BLOCK_IN_FLOW: "a block cannot stand inside { } or [ ]",
  MISSING_CHAR: "a character is missing here, such as a closing quote, bracket, comma or colon",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line, followed by a colon",
  MULTIPLE_DOCS: "the file must hold one document, without a second ---",
  TAB_AS_INDENT: "indent with spaces, not with tabs",
  TAG_RESOLVE_FAILED: "tags such as !name are not supported",
  UNEXPECTED_TOKEN: "something here does not belong: check brackets, quotes and indentation",
};

/** Says what is wrong with the YAML at one place, without repeating the text there. */
export function syntaxMessage(error: YAMLError, text: string): string {
  const offset = error.pos[0];
  const isUnquotedReference = text[offset] === "{" && text[offset - 1] === "$";
  if (isUnquotedReference) return 'put "${NAME}" in quotes inside { } and [ ]';
  return sentences[error.code] ?? `the YAML is malformed (${error.code.toLowerCase().replaceAll("_", " ")})`;
}
