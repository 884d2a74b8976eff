/**
 * Says under which name a download is saved (RFC 6266). The name is data: what is not plain goes into the encoded form
 * only (RFC 8187), so that it can neither end the header nor lead out of a directory.
 */
export function attachmentNamed(filename: string): string {
  const plain = filename.replace(/[^A-Za-z0-9._ -]/g, "_").replace(/^\.+/, "_");
  const encoded = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
